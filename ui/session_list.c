#include "session_list.h"
#include "../cache_store.h"

#include <stdlib.h>
#include <string.h>

char *session_list_label(const struct i18n *tr, const struct session *session)
{
	const char *title = session->title && *session->title ? session->title : i18n_text(tr, "session.untitled");
	char *clean = i18n_sanitize_line(title, strlen(title));
	char *label = session->pinned ? xasprintf("★ %s", clean) : xstrdup(clean);
	free(clean);
	return label;
}

char *session_list_detail(const struct i18n *tr, const struct session *session)
{
	char *model =
		i18n_sanitize_line(session->model ? session->model : "", session->model ? strlen(session->model) : 0);
	char *short_model = i18n_truncate(tr, model, 14);
	char *detail = i18n_format(tr, "session.detail", I18N_I(session->messages), I18N_T((double)session->updated),
				   I18N_S(short_model), I18N_I(session->tokens));
	static const char separator[] = " · ";
	size_t len = strlen(detail), cut = strlen(separator);
	if (!*model && len >= cut && strcmp(detail + len - cut, separator) == 0)
		detail[len - cut] = '\0';
	free(short_model);
	free(model);
	if (!cache_bytes(session->id))
		return detail;
	char *warm = xasprintf("%s%s%s", i18n_text(tr, "sessions.ready"), separator, detail);
	free(detail);
	return warm;
}
