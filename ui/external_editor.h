/* external_editor.h: the input line in $VISUAL or $EDITOR. The answer being
 * written goes on, and is stored, meanwhile. */
#ifndef EXTERNAL_EDITOR_H
#define EXTERNAL_EDITOR_H

#include "app.h"

void external_editor_run(struct app *);

#endif
