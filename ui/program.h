/* program.h: programs that are installed, and a folder for the work of one. */
#ifndef PROGRAM_H
#define PROGRAM_H

char *program_find(const char *name);    /* its path, by PATH; NULL: not installed. Caller frees */
char *program_folder(void);              /* a new one that is ours alone; NULL: errno says why. Caller frees */
void program_remove(const char *folder); /* with all that is in it */

#endif
