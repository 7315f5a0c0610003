/* bora: chat in the terminal with a model that runs here. */
#include "options.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("bora 0.1.0");
	return 0;
}
