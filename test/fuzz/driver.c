/*
 * driver.c
 *		Replays a target's corpus, then mutations of it, in an order that the seed fixes.
 *
 * usage: TARGET RUNS SEED INPUT-FILE CORPUS-DIRECTORY; FUZZ_SECONDS counts instead of RUNS where it is set.
 *
 * When a sanitizer (told to abort), abort() or the watch-dog ends the process, the
 * input that did it is in INPUT-FILE.  Without a corpus the mutations begin with an empty input.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_INPUTS 4096
#define MAX_INPUT_BYTES 65536
#define HANG_SECONDS 20

typedef struct Input
{
	uint8_t    *data;
	size_t		size;
} Input;

static Input corpus[MAX_INPUTS];
static int	ninputs = 0;
static uint64_t random_state;
static const char *input_file;
static Input current;

static void
save_current(void)
{
	int			fd = open(input_file, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		return;
	if (write(fd, current.data, current.size) < 0)
		fprintf(stderr, "could not write the input\n");
	close(fd);
}

static void
on_signal(int signo)
{
	static const char hang[] = "no answer in time\n";

	save_current();
	if (signo == SIGALRM && write(STDERR_FILENO, hang, sizeof(hang) - 1) < 0)
		_exit(4);
	_exit(signo == SIGALRM ? 3 : 2);
}

/* xorshift64*: the same numbers everywhere. */
static uint64_t
next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static size_t
below(size_t n)
{
	return n == 0 ? 0 : (size_t) (next_random() % n);
}

static void
read_input(const char *path)
{
	FILE	   *file = fopen(path, "rb");
	Input	   *input = &corpus[ninputs];

	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	input->data = malloc(MAX_INPUT_BYTES);
	input->size = fread(input->data, 1, MAX_INPUT_BYTES, file);
	fclose(file);
	ninputs++;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* In the order of names: what the directory says first differs between machines. */
static void
read_corpus(const char *directory)
{
	char	   *names[MAX_INPUTS];
	int			n = 0;
	DIR		   *dir = opendir(directory);
	struct dirent *entry;

	while (dir != NULL && n < MAX_INPUTS - 1 && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			names[n++] = strdup(entry->d_name);
	if (dir != NULL)
		closedir(dir);
	qsort(names, n, sizeof(char *), compare_names);
	for (int i = 0; i < n; i++)
	{
		char		path[4096];

		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		read_input(path);
		free(names[i]);
	}
	if (ninputs == 0)
		corpus[ninputs++] = (Input) {malloc(1), 0};
}

/* One small change of buf; room for MAX_INPUT_BYTES. */
static size_t
mutate(uint8_t *buf, size_t size)
{
	static const uint8_t telling[] = {0, 1, 7, 8, 0x7f, 0x80, 0xff, ' ', '=', ',', '"', '\'', '\n', '-', '0', '9'};
	const Input *other;
	size_t		at;
	size_t		len;

	switch (next_random() % 8)
	{
		case 0:					/* flip a bit */
			if (size > 0)
				buf[below(size)] ^= 1 << below(8);
			return size;
		case 1:					/* any byte */
			if (size > 0)
				buf[below(size)] = (uint8_t) next_random();
			return size;
		case 2:					/* a byte that parsers care about */
			if (size > 0)
				buf[below(size)] = telling[below(sizeof(telling))];
			return size;
		case 3:					/* cut off */
			return below(size + 1);
		case 4:					/* insert */
			if (size == MAX_INPUT_BYTES)
				return size;
			at = below(size + 1);
			memmove(buf + at + 1, buf + at, size - at);
			buf[at] = telling[below(sizeof(telling))];
			return size + 1;
		case 5:					/* take out */
			at = below(size + 1);
			len = below(size - at + 1);
			memmove(buf + at, buf + at + len, size - at - len);
			return size - len;
		case 6:					/* a 32-bit number, small or near the limits */
			if (size >= 4)
			{
				uint32_t	number = (uint32_t) below(64) - (next_random() % 2 ? 0 : 32);

				memcpy(buf + below(size - 3), &number, 4);
			}
			return size;
		default:				/* go on as another input does */
			other = &corpus[below(ninputs)];
			at = below((size < other->size ? size : other->size) + 1);
			memcpy(buf + at, other->data + at, other->size - at);
			return other->size;
	}
}

/* The target sees a copy of exactly the right size: one byte beyond is an error. */
static void
run_one(const uint8_t *data, size_t size)
{
	uint8_t    *exact = malloc(size > 0 ? size : 1);

	memcpy(exact, data, size);
	current = (Input) {exact, size};
	alarm(HANG_SECONDS);
	phig_fuzz_one(exact, size);
	free(exact);
}

int
main(int argc, char **argv)
{
	static uint8_t buf[MAX_INPUT_BYTES];
	const char *seconds = getenv("FUZZ_SECONDS");
	time_t		end = seconds != NULL ? time(NULL) + atol(seconds) : 0;
	long		runs;
	long		done = 0;

	if (argc != 5)
	{
		fprintf(stderr, "usage: %s RUNS SEED INPUT-FILE CORPUS-DIRECTORY\n", argv[0]);
		return 1;
	}
	runs = atol(argv[1]);
	random_state = strtoull(argv[2], NULL, 10) * UINT64_C(0x9E3779B97F4A7C15) + 1;
	input_file = argv[3];
	read_corpus(argv[4]);
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);

	for (int i = 0; i < ninputs; i++)
		run_one(corpus[i].data, corpus[i].size);
	for (; seconds != NULL ? time(NULL) < end : done < runs; done++)
	{
		const Input *from = &corpus[below(ninputs)];
		size_t		size = from->size;

		memcpy(buf, from->data, size);
		for (size_t n = 1 + below(6); n > 0; n--)
			size = mutate(buf, size);
		run_one(buf, size);
	}
	printf("%d inputs, %ld mutations, %lu refused\n", ninputs, done, phig_fuzz_errors);
	return 0;
}
