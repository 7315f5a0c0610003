/* model_speeds.h: how fast each model last wrote on this machine: a line a model in the state folder's file "speeds". */
#ifndef MODEL_SPEEDS_H
#define MODEL_SPEEDS_H

/* Tokens a second that the model at path last wrote; 0: not known. */
double model_speeds_last(const char *path);
/* Keeps it, when so many tokens say something. What cannot be written is not kept, without a word. */
void model_speeds_keep(const char *path, int tokens, double ms);

#endif
