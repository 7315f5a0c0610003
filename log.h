/* log.h: notes for whoever looks into a problem; a file, never a terminal.
 *
 * Lines carry a time stamp and the text. Until log_open() succeeds they go
 * nowhere. Safe from any thread; not from a signal handler. */
#ifndef LOG_H
#define LOG_H

int log_open(const char *path); /* appends; created with mode 0600; NULL: no log. -1 with errno: no log either */
void log_close(void);
void log_write(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
