#include "log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The one process-wide object: a line is one write(2) on an append-only file,
 * so threads need no lock. */
static _Atomic int log_fd = -1;

int log_open(const char *path)
{
	log_close();
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
	log_fd = fd;
	return path && fd < 0 ? -1 : 0;
}

void log_close(void)
{
	int fd = atomic_exchange(&log_fd, -1);
	if (fd >= 0)
		close(fd);
}

void log_write(const char *format, ...)
{
	int fd = log_fd;
	if (fd < 0)
		return;
	char line[1024];
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	size_t used = strftime(line, sizeof(line), "%Y-%m-%d %H:%M:%S ", &local);
	va_list args;
	va_start(args, format);
	vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	size_t len = strlen(line);
	line[len++] = '\n';
	ssize_t ignored = write(fd, line, len);
	(void)ignored;
}
