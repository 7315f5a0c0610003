/* bora terminal: what the terminal can do, as the chat finds it at start. */
#include "cli.h"

#include "../ui/ui.h"

int cli_terminal(struct cli *cli)
{
	struct ui_options ui = {.options = cli->options, .tr = cli->tr};
	if (ui_terminal(&ui) == 0)
		return 0;
	cli_tell(i18n_text(cli->tr, "terminal.none"));
	return 1;
}
