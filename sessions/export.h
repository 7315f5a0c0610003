/* export.h: what the written formats are made of, for export.c and import.c.
 *
 * JSON: one object, "format": EXPORT_JSON_FORMAT, "version": 1. Messages carry
 * their numbers as "id" and "parent" (null: none), in rising order. Content that
 * is not UTF-8 text, or holds NUL, comes a second time, exactly, as
 * "content_base64", which import believes before "content"; likewise the other
 * strings. Times are seconds since 1970.
 *
 * Markdown: front matter of "key: JSON string" lines, first "bora: 1"; then for
 * each message of the current path EXPORT_MARK and a JSON object and " -->", a
 * heading, an empty line, the content as it is and an empty line. A line of
 * content that would look like a mark gets a backslash after "<!--". */
#ifndef EXPORT_H
#define EXPORT_H

#define EXPORT_JSON_FORMAT "bora-session"
#define EXPORT_MARK        "<!-- bora "
#define EXPORT_MARK_ESCAPE "<!--\\"

#endif
