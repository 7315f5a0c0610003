/* screen_description.h: a description of the terminal for curses in which colours
 * are not at most 256. */
#ifndef SCREEN_DESCRIPTION_H
#define SCREEN_DESCRIPTION_H

#include <curses.h>

/* A screen on standard input and output whose terminal is the one that TERM names, but
 * that colours from 256 on are 0xRRGGBB, and the palette is never changed. described: what
 * screen_described_colors() said. NULL: the terminal is not of the kind that has them. */
SCREEN *screen_description_newterm(int described);

#endif
