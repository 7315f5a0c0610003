/* config_watch.h: tells when the configuration file is another, without asking again and again.
 *
 * Where the system can tell (inotify), a descriptor becomes readable; elsewhere the file
 * is looked at when there is something else to do anyway. */
#ifndef CONFIG_WATCH_H
#define CONFIG_WATCH_H

#include <stdbool.h>

struct config_watch;

struct config_watch *config_watch_open(const char *dir, const char *name); /* of a file that need not be there */
void config_watch_close(struct config_watch *);
int config_watch_fd(const struct config_watch *); /* -1: there is none */
bool config_watch_changed(struct config_watch *); /* since it was opened, or since this was asked last */

#endif
