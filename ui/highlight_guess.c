/* Which language a block is in that does not say so: by turns of phrase that are
 * common in one and rare in the others. */
#include "highlight.h"

#include <string.h>

enum { ENOUGH = 5, LOOKED_AT = 3000 };

static const struct {
	const char *language, *phrase;
	int weight;
	bool at_line; /* only at the start of a line */
} signs[] = {
	{"bash", "#!/bin/", 9, true},
	{"bash", "#!/usr/bin/env bash", 9, true},
	{"python", "#!/usr/bin/env python", 9, true},
	{"javascript", "#!/usr/bin/env node", 9, true},
	{"perl", "#!/usr/bin/perl", 9, true},
	{"bash", "sudo ", 5, true},
	{"bash", "apt ", 4, true},
	{"bash", "apt-get ", 5, true},
	{"bash", "$ ", 4, true},
	{"bash", "git ", 5, true},
	{"bash", "cd ", 4, true},
	{"bash", "npm ", 5, true},
	{"bash", "pip install", 6, true},
	{"bash", "curl ", 5, true},
	{"bash", "export ", 3, true},
	{"bash", "echo ", 3, true},
	{"bash", "\nfi\n", 5, false},
	{"bash", "; then", 4, false},
	{"bash", "; do", 4, false},
	{"python", "def ", 3, true},
	{"python", "    def ", 3, true},
	{"python", "import ", 2, true},
	{"python", "from ", 2, true},
	{"python", "print(", 3, false},
	{"python", "):\n", 2, false},
	{"python", "elif ", 3, false},
	{"python", "self.", 3, false},
	{"python", "if __name__", 8, false},
	{"python", " in range(", 5, false},
	{"c", "#include <", 4, true},
	{"c", "int main(", 4, false},
	{"c", "printf(", 3, false},
	{"c", "malloc(", 4, false},
	{"c", "#define ", 4, true},
	{"c", "struct ", 2, true},
	{"cpp", "#include <iostream>", 9, true},
	{"cpp", "#include <vector>", 9, true},
	{"cpp", "#include <string>", 9, true},
	{"cpp", "std::", 7, false},
	{"cpp", "cout <<", 7, false},
	{"cpp", "template <", 6, false},
	{"java", "public class ", 5, false},
	{"java", "public static void main", 8, false},
	{"java", "System.out.", 7, false},
	{"java", "import java.", 8, true},
	{"csharp", "using System", 8, true},
	{"csharp", "Console.Write", 7, false},
	{"csharp", "namespace ", 3, true},
	{"javascript", "console.log(", 6, false},
	{"javascript", "const ", 3, true},
	{"javascript", "let ", 2, true},
	{"javascript", "function ", 3, false},
	{"javascript", "=> ", 3, false},
	{"javascript", "document.", 5, false},
	{"javascript", "require('", 5, false},
	{"typescript", "interface ", 4, true},
	{"typescript", ": string", 6, false},
	{"typescript", ": number", 6, false},
	{"rust", "fn main()", 7, false},
	{"rust", "let mut ", 8, false},
	{"rust", "println!(", 8, false},
	{"rust", "impl ", 4, true},
	{"rust", "use std::", 8, true},
	{"rust", "pub fn ", 6, false},
	{"go", "package ", 5, true},
	{"go", "func ", 4, true},
	{"go", "fmt.", 6, false},
	{"go", " := ", 3, false},
	{"kotlin", "fun main(", 8, false},
	{"kotlin", "fun ", 4, true},
	{"kotlin", "println(", 2, false},
	{"swift", "import Foundation", 9, true},
	{"swift", "import SwiftUI", 9, true},
	{"swift", "guard let ", 7, false},
	{"ruby", "puts ", 5, false},
	{"ruby", "\nend", 3, false},
	{"ruby", ".each do |", 8, false},
	{"ruby", "require '", 5, true},
	{"php", "<?php", 9, false},
	{"perl", "use strict;", 9, true},
	{"perl", "my $", 7, false},
	{"lua", "local function ", 8, false},
	{"lua", "local ", 4, true},
	{"lua", " then\n", 2, false},
	{"haskell", "module ", 3, true},
	{"haskell", " :: ", 4, false},
	{"haskell", "main = do", 6, true},
	{"elixir", "defmodule ", 9, true},
	{"clojure", "(defn ", 9, false},
	{"commonlisp", "(defun ", 8, false},
	{"scheme", "(define ", 8, false},
	{"sql", "SELECT ", 6, true},
	{"sql", "select ", 4, true},
	{"sql", "CREATE TABLE", 8, false},
	{"sql", "INSERT INTO", 8, false},
	{"sql", " FROM ", 4, false},
	{"html", "<!DOCTYPE html", 9, false},
	{"html", "<html", 8, false},
	{"html", "<div", 6, false},
	{"html", "</", 3, false},
	{"xml", "<?xml", 9, true},
	{"css", "px;", 5, false},
	{"css", "color:", 4, false},
	{"dockerfile", "FROM ", 4, true},
	{"dockerfile", "RUN ", 5, true},
	{"dockerfile", "COPY ", 4, true},
	{"diff", "diff --git", 9, true},
	{"diff", "@@ -", 9, true},
	{"latex", "\\begin{", 8, false},
	{"latex", "\\documentclass", 9, true},
	{"r", " <- function(", 9, false},
	{"r", "library(", 6, true},
	{"r", " <- ", 3, false},
	{"toml", "[package]", 8, true},
	{"yaml", "apiVersion:", 9, true},
	{"yaml", "---\n", 4, true},
	{"cmake", "cmake_minimum_required", 9, false},
	{"make", ".PHONY:", 9, true},
	{"make", "$(CC)", 6, false},
	{"powershell", "Write-Host", 8, false},
	{"powershell", "Get-", 4, false},
};

static bool occurs(const char *code, size_t len, const char *phrase, bool at_line)
{
	size_t n = strlen(phrase);
	for (const char *at = code; (at = memmem(at, len - (size_t)(at - code), phrase, n)); at++)
		if (!at_line || at == code || at[-1] == '\n')
			return true;
	return false;
}

/* {"name": … or [ … with quotes and colons */
static bool is_json(const char *code, size_t len)
{
	size_t at = 0;
	while (at < len && strchr(" \t\n", code[at]))
		at++;
	if (at == len || (code[at] != '{' && code[at] != '['))
		return false;
	for (at++; at < len && strchr(" \t\n{[", code[at]);)
		at++;
	return at < len && code[at] == '"' && memmem(code + at, len - at, "\":", 2);
}

const struct language *highlight_guess(const char *code, size_t len)
{
	enum { COUNT = sizeof(signs) / sizeof(*signs) };
	len = len < LOOKED_AT ? len : LOOKED_AT;
	const char *best = NULL;
	int best_score = 0, second = 0;
	if (is_json(code, len))
		return highlight_language("json", 4);
	for (size_t i = 0; i < COUNT; i++) {
		int score = 0;
		bool seen = false;
		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(signs[j].language, signs[i].language) == 0;
		for (size_t j = i; j < COUNT && !seen; j++)
			if (strcmp(signs[j].language, signs[i].language) == 0 &&
			    occurs(code, len, signs[j].phrase, signs[j].at_line))
				score += signs[j].weight;
		if (score > best_score) {
			second = best_score;
			best_score = score;
			best = signs[i].language;
		} else if (score > second) {
			second = score;
		}
	}
	return best_score >= ENOUGH && best_score > second ? highlight_language(best, strlen(best)) : NULL;
}
