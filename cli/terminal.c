/* bora terminal: what the terminal can do, as the chat finds it at start. */
#include "cli.h"

#include "../ui/ui.h"

int cli_terminal(struct cli *cli)
{
	struct ui_options ui = {.options = cli->options, .tr = cli->tr};
	return ui_terminal(&ui) < 0 ? cli_fail("%s", i18n_text(cli->tr, "terminal.none")) : 0;
}
