/* bora bench --languages: what the same words cost in each language of the interface. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* One paragraph, said in every language as its speakers would. */
static const struct {
	const char *language, *text;
} paragraphs[] = {
	{"en",
	 "The library is open every day from nine in the morning until eight in the evening. Anyone may borrow up "
	 "to five books for three weeks, free of charge. If you bring a book back late, just tell us why: all we "
	 "want to know is that it is safe."},
	{"fr",
	 "La bibliothèque est ouverte tous les jours de neuf heures du matin à huit heures du soir. Chacun peut "
	 "emprunter jusqu’à cinq livres pendant trois semaines, gratuitement. Si vous rapportez un livre en retard, "
	 "dites-nous simplement pourquoi : nous voulons seulement savoir qu’il va bien."},
	{"de",
	 "Die Bibliothek ist täglich von neun Uhr morgens bis acht Uhr abends geöffnet. Jeder kann bis zu fünf Bücher "
	 "drei Wochen lang kostenlos ausleihen. Wenn Sie ein Buch zu spät zurückbringen, sagen Sie uns einfach, "
	 "warum: Wir wollen nur wissen, dass es ihm gut geht."},
	{"es",
	 "La biblioteca abre todos los días de nueve de la mañana a ocho de la tarde. Cualquiera puede llevarse hasta "
	 "cinco libros durante tres semanas, sin pagar nada. Si devuelve un libro con retraso, díganos simplemente "
	 "por qué: solo queremos saber que está a salvo."},
	{"it",
	 "La biblioteca è aperta tutti i giorni dalle nove del mattino alle otto di sera. Chiunque può prendere in "
	 "prestito fino a cinque libri per tre settimane, senza pagare. Se riporta un libro in ritardo, ci dica "
	 "soltanto perché: vogliamo solo sapere che è al sicuro."},
	{"pt",
	 "A biblioteca abre todos os dias das nove da manhã às oito da noite. Qualquer pessoa pode levar até cinco "
	 "livros por três semanas, de graça. Se você devolver um livro com atraso, basta nos dizer por quê: só "
	 "queremos saber que ele está a salvo."},
	{"nl", "De bibliotheek is elke dag open van negen uur ’s ochtends tot acht uur ’s avonds. Iedereen mag tot "
	       "vijf boeken "
	       "drie weken lang gratis lenen. Brengt u een boek te laat terug, vertel ons dan gewoon waarom: we willen "
	       "alleen weten dat het veilig is."},
	{"ru",
	 "Библиотека открыта каждый день с девяти утра до восьми вечера. Каждый может бесплатно взять до пяти книг на "
	 "три недели. Если вы вернёте книгу с опозданием, просто скажите нам почему: мы только хотим знать, что с "
	 "ней всё хорошо."},
	{"zh", "图书馆每天早上九点到晚上八点开放。任何人都可以免费借阅最多五本书，为期三周。如果您还书晚了，只要告诉我"
	       "们原因就好："
	       "我们只想知道书还好好的。"},
	{"ja", "図書館は毎日、朝九時から夜八時まで開いています。どなたでも五冊までの本を三週間、無料で借りられます。返"
	       "すのが遅れた"
	       "ときは、理由を教えてくださるだけで結構です。本が無事だと分かればそれでよいのです。"},
	{"ko", "도서관은 매일 아침 아홉 시부터 저녁 여덟 시까지 문을 엽니다. 누구나 책을 다섯 권까지 삼 주 동안 무료로 "
	       "빌릴 수 "
	       "있습니다. 책을 늦게 돌려주시더라도 이유만 알려 주세요. 저희는 책이 무사한지만 알고 싶을 뿐입니다."},
	{"ar", "المكتبة مفتوحة كل يوم من التاسعة صباحا حتى الثامنة مساء. يستطيع أي شخص أن يستعير خمسة كتب على الأكثر "
	       "لمدة ثلاثة "
	       "أسابيع مجانا. وإذا أعدت كتابا متأخرا فأخبرنا بالسبب فقط: كل ما نريده أن نعرف أنه بخير."},
	{"hi", "पुस्तकालय हर दिन सुबह नौ बजे से रात आठ बजे तक खुला रहता है। कोई भी व्यक्ति पाँच पुस्तकें तक तीन सप्ताह के लिए "
	       "निःशुल्क ले सकता है। यदि आप पुस्तक देर से लौटाएँ, तो बस हमें कारण बता दें: हम केवल यह जानना चाहते हैं कि वह "
	       "सुरक्षित है।"},
};

enum { PARAGRAPHS = sizeof(paragraphs) / sizeof(paragraphs[0]), ANSWER_TOKENS = 32, CONTEXT = 1024, NAME_CELLS = 4 };

struct cost {
	const char *language;
	size_t characters; /* as people count them: clusters */
	size_t tokens;
	double reading, writing; /* tokens a second */
};

static size_t count_characters(const struct i18n *tr, const char *text)
{
	size_t count = 0, len = strlen(text);
	for (size_t at = 0; at < len; at = i18n_cluster_next(tr, text, len, at))
		count++;
	return count;
}

static int run_request(const struct cli *cli, struct engine *engine, const char *text, int answer,
		       struct engine_usage *usage)
{
	char err[512];
	struct engine_request request = {.raw = text, .raw_len = strlen(text), .max_tokens = answer};
	request.sampling = engine_model(engine)->sampling;
	request.sampling.temp = 0;
	if (engine_submit(engine, &request, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	for (;;) {
		struct engine_event event;
		while (engine_poll(engine, &event) != ENGINE_NONE) {
			if (event.type == ENGINE_ERROR)
				return cli_fail(cli, "%.*s", (int)event.len, event.text);
			if (event.type != ENGINE_DONE)
				continue;
			*usage = event.usage;
			return 0;
		}
		struct pollfd fd = {.fd = engine_wake_fd(engine), .events = POLLIN};
		poll(&fd, 1, -1);
	}
}

static double per_second(int tokens, double ms)
{
	return ms > 0 ? tokens * 1000.0 / ms : 0;
}

static int measure(const struct cli *cli, struct engine *engine, int index, struct cost *cost)
{
	const char *text = paragraphs[index].text;
	char err[512];
	int32_t *ids = NULL;
	struct engine_usage usage;
	*cost = (struct cost){.language = paragraphs[index].language, .characters = count_characters(cli->tr, text)};
	if (engine_tokenize(engine, text, strlen(text), 0, &ids, &cost->tokens, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	free(ids);
	if (run_request(cli, engine, text, ANSWER_TOKENS, &usage))
		return 1;
	cost->reading = per_second(usage.prompt_tokens - usage.cached_tokens, usage.prompt_ms);
	cost->writing = per_second(usage.completion_tokens, usage.predicted_ms);
	return 0;
}

static double per_character(const struct cost *cost)
{
	return (double)cost->tokens / (double)cost->characters;
}

static void print_json(const struct engine_model *model, const struct cost *cost)
{
	cJSON *json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "model", model->name);
	cJSON_AddStringToObject(json, "language", cost->language);
	cJSON_AddNumberToObject(json, "characters", (double)cost->characters);
	cJSON_AddNumberToObject(json, "tokens", (double)cost->tokens);
	cJSON_AddNumberToObject(json, "tokens_per_character", per_character(cost));
	cJSON_AddNumberToObject(json, "prompt_per_second", cost->reading);
	cJSON_AddNumberToObject(json, "predicted_per_second", cost->writing);
	cJSON_AddNumberToObject(json, "predicted_characters_per_second", cost->writing / per_character(cost));
	char *text = cJSON_PrintUnformatted(json);
	puts(text);
	cJSON_free(text);
	cJSON_Delete(json);
}

static const char *const heads[] = {"bench.characters", "bench.tokens",  "bench.per-character",
				    "bench.reading",    "bench.writing", "bench.characters-written"};
enum { COLUMNS = sizeof(heads) / sizeof(heads[0]), LEAST_CELLS = 8 };

static int column_cells(const struct i18n *tr, int column)
{
	const char *head = i18n_text(tr, heads[column]);
	int width = i18n_width(tr, head, strlen(head));
	return 2 + (width > LEAST_CELLS ? width : LEAST_CELLS);
}

static void print_head(const struct i18n *tr)
{
	printf("%*s", NAME_CELLS, "");
	for (int i = 0; i < COLUMNS; i++) {
		const char *head = i18n_text(tr, heads[i]);
		printf("%*s%s", column_cells(tr, i) - i18n_width(tr, head, strlen(head)), "", head);
	}
	putchar('\n');
}

static void print_row(const struct i18n *tr, const struct cost *cost)
{
	double values[COLUMNS] = {(double)cost->characters,
				  (double)cost->tokens,
				  per_character(cost),
				  cost->reading,
				  cost->writing,
				  cost->writing / per_character(cost)};
	static const int digits[COLUMNS] = {0, 0, 2, 1, 1, 1};
	printf("%-*s", NAME_CELLS, cost->language);
	for (int i = 0; i < COLUMNS; i++)
		printf("%*.*f", column_cells(tr, i), digits[i], values[i]);
	putchar('\n');
}

int cli_bench_languages(struct cli *cli)
{
	char err[512], number[24];
	struct engine *engine;
	struct engine_usage warm;
	bool json = option_flag(cli->options, OPTION_JSON);
	snprintf(number, sizeof(number), "%d", CONTEXT);
	if (!option_given(cli->options, OPTION_CTX_SIZE) &&
	    options_set(cli->options, OPTION_CTX_SIZE, number, err, sizeof(err)))
		return cli_fail(cli, "%s", err);
	int code = cli_open_engine(cli, false, &engine);
	if (code)
		return code;
	code = run_request(cli, engine, "Warm up, please.", 4, &warm); /* brings everything into the caches */
	if (!code && !json)
		print_head(cli->tr);
	for (int i = 0; i < PARAGRAPHS && !code; i++) {
		struct cost cost;
		code = measure(cli, engine, i, &cost);
		if (code)
			break;
		if (json)
			print_json(engine_model(engine), &cost);
		else
			print_row(cli->tr, &cost);
		if (fflush(stdout) != 0)
			code = cli_fail(cli, "standard output: %s", strerror(errno));
	}
	engine_close(engine);
	return code;
}
