/* engine.h: run a language model in the background. The engine's public face.
 *
 * File              | What it does
 * ------------------|--------------------------------------------------------
 * engine.c          | the functions below; the bounded queue of events
 * generator.c       | the one thread that owns model and context
 * weights.c         | brought into memory between other work    memory.c  how much there is
 * huge_pages.c      | copies of them in pages of 2 MiB
 * pool.c park.c     | workers that compute rows in parallel with their caller
 * cores.c           | how many threads are of use
 * gguf.c types.c    | map and check a GGUF file; tensor types and their sizes
 * model.c arch/     | hyperparameters and tensors of each model family
 * forward.c         | one function per step of the transformer
 * kv_cache.c        | keys and values of the tokens in the context
 * recall.c          | what of a prompt need not be read again
 * kv_file.c         | keys and values in a file      kv_writer.c | brought there by a thread
 * ahead.c           | read before it is sent what will be sent
 * sampler.c         | choose the next token
 * guess.c lookup.c  | tokens that may come next, verified several at once
 * tokenizer*.c      | text to ids and back: BPE, SentencePiece, WordPiece
 * fim.c             | filling a gap between two texts
 * chat_format.c     | a conversation to ids, role tokens spliced in as ids
 * kernels/          | dot products and friends: reference, AVX2, AVX-512, NEON
 *
 * One engine is one model with one context (tokens the model has read and can
 * see). All functions are called from one thread, the owner; the work happens
 * on the generator thread, which posts events and makes engine_wake_fd()
 * readable. Text is UTF-8. Functions that can fail return 0, or -1 with one
 * line in err (English: what, where, what to do; control bytes escaped). */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;

enum engine_kv_type { ENGINE_KV_F16, ENGINE_KV_Q8_0, ENGINE_KV_F32 };

struct engine_options {
	const char *path; /* a GGUF file */
	int ctx_size;     /* tokens; 0: the model's own, at most 32,768 */
	int threads;      /* 0: physical cores within affinity and quota */
	int batch;        /* prompt tokens a step, 1..4096; 0: 256 */
	enum engine_kv_type kv_type;
	const char *chat_format; /* a name from engine_chat_formats(); NULL: recognise it */
	const char *isa;         /* kernel set by name; NULL: the best this CPU has */
	bool vocab_only;         /* tokenizer only: no tensors needed */
	bool no_guess;           /* one token at a time; the answers are the same */
};

/* Starts loading in the background and returns at once: ENGINE_LOADING events
 * follow, then ENGINE_READY or ENGINE_ERROR. Only a path that cannot be opened
 * fails here. *engine is closed with engine_close(), which cancels and joins. */
int engine_open(struct engine **engine, const struct engine_options *, char *err, size_t errlen);
void engine_close(struct engine *);

/* Blocks until the model is loaded: for programs without a screen. */
int engine_wait(struct engine *, char *err, size_t errlen);

/* What was loaded. Valid from ENGINE_READY (or engine_wait) until engine_close. */
struct engine_model {
	const char *name;         /* general.name, or the file's name */
	const char *architecture; /* "qwen2" */
	const char *file_type;    /* "Q4_K_M": the commonest tensor type, by the file's own label */
	const char *license;      /* general.license, or "" */
	const char *chat_format;  /* "chatml" */
	bool chat_format_known;   /* false: the template was not recognised, ChatML is used */
	const char *isa;          /* kernel set in use: "avx512vnni" */
	const char *warning;      /* one line about oddities in the file, or "" */
	char fingerprint[33];     /* hex: same model and weights, same fingerprint */
	uint64_t parameters, file_bytes;
	int vocab_size, ctx_size, ctx_trained, embedding, layers, threads, batch;
	struct engine_sampling {      /* what the file recommends, else the defaults */
		float temp;           /* 0: greedy, reproducible to the byte */
		int top_k;            /* 0: off */
		float top_p, min_p;   /* 1 and 0: off */
		float repeat_penalty; /* 1: off; over the last 64 tokens */
		uint64_t seed;        /* 0: a fresh one each request */
	} sampling;
};
const struct engine_model *engine_model(const struct engine *); /* NULL until loaded */

enum engine_role { ENGINE_SYSTEM, ENGINE_USER, ENGINE_ASSISTANT, ENGINE_TOOL };

struct engine_message {
	enum engine_role role;
	const char *content;
	size_t len;
	bool pinned; /* never left out, nor is its turn: what was asked and what was answered */
};

struct engine_request {
	const struct engine_message *messages; /* copied by engine_submit */
	int count;
	int omitted; /* messages behind the system message that are not among them, since they cannot fit; counted as
	              * left out, and in what `begins` says */
	bool continue_last; /* the last message is the assistant's and goes on */
	const char *raw;    /* not NULL: no template, this text is continued as it stands */
	size_t raw_len;
	const char *suffix; /* not NULL: what stands behind a gap, raw before it; the answer is what belongs between */
	size_t suffix_len;
	struct engine_sampling sampling;
	int max_tokens; /* 0: until the model stops or the context is full */
	/* A file that goes with this conversation, made when missing, or NULL. What is read and made is
	 * kept there within a second, and what is there is not computed again. Only ever a cache: when it
	 * is damaged, foreign, or in use by another program, that costs time and a line in the log. */
	const char *cache;
	uint64_t cache_limit; /* bytes it may have; 0: any number */
};

/* Queues one request; a request in progress must end (or be cancelled and end)
 * first. Messages that do not fit the context are left out from the oldest
 * turn on, the system message and pinned turns kept; ENGINE_PROMPT says how many,
 * and which message is the first behind them. */
int engine_submit(struct engine *, const struct engine_request *, char *err, size_t errlen);
void engine_cancel(struct engine *); /* ends with ENGINE_DONE within 100 ms */

/* What the next request will begin with is read as soon as nothing else is to be done: the messages, and of the last
 * one, if it is the user's, as much as will be the same however it goes on. No events, and no harm when the request
 * then is another. It ends at once for whatever is submitted, and for the next engine_prepare(); NULL only ends it.
 * Nothing is done while a request is queued or running. */
void engine_prepare(struct engine *, const struct engine_request *);

enum engine_event_type {
	ENGINE_NONE,    /* nothing waits */
	ENGINE_LOADING, /* done, total: bytes */
	ENGINE_READY,
	ENGINE_PROMPT, /* done, total, cached: tokens; left_out: messages; begins: index in the request */
	ENGINE_TEXT,   /* text, len: whole UTF-8 characters of the answer */
	ENGINE_DONE,   /* finish and usage */
	ENGINE_ERROR,  /* text: one line; the request, or loading, is over */
};

enum engine_finish { ENGINE_STOP, ENGINE_LENGTH, ENGINE_INTERRUPTED };

struct engine_usage {
	int prompt_tokens, cached_tokens, completion_tokens; /* cached: not computed again */
	int context_used;                                    /* tokens now in the context */
	int guessed_tokens, guessed_right;                   /* computed in advance; of these, came true */
	double load_ms, prompt_ms, first_token_ms, predicted_ms;
};

struct engine_event {
	enum engine_event_type type;
	uint64_t done, total;
	int cached, left_out, begins;
	const char *text; /* valid until the next engine_poll */
	size_t len;
	enum engine_finish finish;
	struct engine_usage usage;
};

/* Takes the next event; never blocks. Progress events may be merged, text and
 * ends never are. The fd is readable while events wait; poll until ENGINE_NONE. */
enum engine_event_type engine_poll(struct engine *, struct engine_event *);
int engine_wake_fd(const struct engine *);
bool engine_busy(const struct engine *); /* a request is queued or running */

/* --- Tokens. After loading; safe while the generator works. ---------------- */

enum { ENGINE_TOKENS_BOS = 1, ENGINE_TOKENS_SPECIAL = 2 }; /* add BOS as the model wants; parse control tokens */

int engine_tokenize(const struct engine *, const char *text, size_t len, int flags, int32_t **ids, size_t *count,
		    char *err, size_t errlen); /* caller frees *ids */
int engine_detokenize(const struct engine *, const int32_t *ids, size_t count, char **bytes, size_t *len, char *err,
		      size_t errlen); /* caller frees *bytes */

/* --- Measuring. These block their caller until the generator has done them. - */

struct engine_score {
	int pos;
	int32_t id; /* the token at pos */
	bool has_next;
	float next_logprob; /* of the token that follows, natural log */
	int top;            /* next_ids and next_logprobs, by falling logprob */
	const int32_t *next_ids;
	const float *next_logprobs;
};
typedef void engine_score_fn(void *arg, const struct engine_score *); /* on the caller's thread */

int engine_score(struct engine *, const int32_t *ids, size_t count, int top, engine_score_fn *, void *arg, char *err,
		 size_t errlen);

/* Reads n_depth random tokens untimed, then times n_prompt in batches and
 * n_gen one by one (one of the two is 0). */
int engine_bench(struct engine *, int n_prompt, int n_gen, int n_depth, double *seconds, char *err, size_t errlen);

/* --- Without loading ------------------------------------------------------- */

/* Checks a whole GGUF file as loading would (weights' values aside) and calls
 * fn (if not NULL) for each metadata key in file order. The value is text:
 * numbers in decimal, strings as they stand, arrays as "[type; count] first…". */
typedef void engine_inspect_fn(void *arg, const char *key, const char *type, const char *value, size_t len);
struct engine_file {
	char name[256], architecture[64], file_type[32], license[64], chat_format[32], warning[256];
	uint64_t file_bytes, parameters;
	uint64_t kv_values; /* numbers kept of each token in the context */
	int tensors, ctx_trained, layers, embedding, vocab_size;
};
int engine_inspect(const char *path, struct engine_file *, engine_inspect_fn *, void *arg, char *err, size_t errlen);

uint64_t engine_memory_free(void);            /* bytes that programs can still take; 0: not known */
const char *const *engine_chat_formats(void); /* names, NULL at the end */
const char *const *engine_isas(void);         /* kernel sets this CPU can run, best first */

#endif
