#include "paths.h"
#include "xmalloc.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
	const char *override, *xdg, *home, *below;
} places[PATH_DIRS] = {
	[PATH_CONFIG] = {"BORA_CONFIG_DIR", "XDG_CONFIG_HOME", ".config", "bora"},
	[PATH_DATA] = {"BORA_DATA_DIR", "XDG_DATA_HOME", ".local/share", "bora"},
	[PATH_STATE] = {"BORA_STATE_DIR", "XDG_STATE_HOME", ".local/state", "bora"},
	[PATH_CACHE] = {"BORA_CACHE_DIR", "XDG_CACHE_HOME", ".cache", "bora"},
	[PATH_MODELS] = {"BORA_MODELS_DIR", "XDG_DATA_HOME", ".local/share", "bora/models"},
};

/* The XDG specification has relative paths ignored; an override may be relative. */
char *path_dir(enum path_dir which)
{
	const char *override = getenv(places[which].override), *xdg = getenv(places[which].xdg), *home = getenv("HOME");
	if (override && *override) {
		char real[PATH_MAX];
		return xstrdup(realpath(override, real) ? real : override);
	}
	if (which == PATH_MODELS && getenv("BORA_DATA_DIR") && *getenv("BORA_DATA_DIR")) {
		char *data = path_dir(PATH_DATA), *models = path_join(data, "models");
		free(data);
		return models;
	}
	if (xdg && xdg[0] == '/')
		return path_join(xdg, places[which].below);
	return xasprintf("%s/%s/%s", home && *home ? home : "", places[which].home, places[which].below);
}

char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	return xasprintf("%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
}

int path_make(const char *dir, char *err, size_t errlen)
{
	char *path = xstrdup(dir);
	int failed = 0;
	for (char *at = path + 1; !failed; at++) {
		char end = *at;
		if (end != '/' && end != '\0')
			continue;
		*at = '\0';
		failed = mkdir(path, 0700) != 0 && errno != EEXIST;
		if (failed)
			snprintf(err, errlen, "%s: cannot make this folder: %s", path, strerror(errno));
		*at = end;
		if (end == '\0')
			break;
	}
	free(path);
	return failed ? -1 : 0;
}
