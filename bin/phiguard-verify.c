/*
 * phiguard-verify.c
 *		Is a journal what was written?  Without a server, by the public key alone.
 *
 * Reads the segments of one or more directories, the live one, an archive, with
 * the very code that phiguard.verify_journal() runs (verify.h), and prints a line for
 * each thing that is wrong.  Anchors, kept elsewhere, show what the files alone cannot.
 *
 * A running server may be writing at a node's end: what looks wrong in its newest
 * segment is looked at again, and counts when it stays as it is.
 */
#include "postgres_fe.h"

#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal/crc32c.h"
#include "journal/verify.h"

#define BUFFER_BYTES (1024 * 1024)
/* Pages of the file go to pages of the buffer: to other places the kernel copies up to twice as slowly. */
#define PAGE_BYTES 4096

#define LOOKS_AT_NEWEST 5
#define PAUSE_US 300000

typedef struct File
{
	char	   *path;
	char		name[32];
	char		node8[9];
	uint64_t	number;
	bool		last;			/* none of this node follows */
	bool		newest;			/* of this node, in its own directory */
} File;

typedef struct Findings
{
	char	  **lines;
	int			n;
	int			room;
}			Findings;

/* The file that is being read. */
typedef struct Reader
{
	int			fd;
	bool		failed;
	int			error;
	uint64_t	begin;			/* offset of the buffer's first byte */
	size_t		len;
	uint8_t    *buffer;
}			Reader;

static File *files = NULL;
static int	nfiles = 0;
static PhigVerifier verifier;
static Findings findings;
static Reader reader;
static bool quiet = false;

static void die(const char *format,...)
			__attribute__((noreturn, format(printf, 1, 2)));

static void
die(const char *format,...)
{
	va_list		args;

	fputs("phiguard-verify: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

/* Room for one more of an array; it doubles. */
static void *
grow(void *array, int n, int *room, size_t size)
{
	if (n < *room)
		return array;
	*room = *room == 0 ? 16 : *room * 2;
	array = realloc(array, (size_t) *room * size);
	if (array == NULL)
		die("out of memory");
	return array;
}

static char *
copy_text(const char *text)
{
	char	   *copy = strdup(text);

	if (copy == NULL)
		die("out of memory");
	return copy;
}

/* --- input --- */

/* A small file, whole and with a NUL behind it. */
static char *
read_text(const char *path, size_t *len)
{
	FILE	   *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char	   *text = NULL;
	int			room = 0;
	int			n = 0;
	int			c;

	if (file == NULL)
		die("could not open file \"%s\": %s", path, strerror(errno));
	while ((c = getc(file)) != EOF)
	{
		text = grow(text, n + 1, &room, 1);
		text[n++] = (char) c;
	}
	if (ferror(file))
		die("could not read file \"%s\"", path);
	if (file != stdin)
		fclose(file);
	text = grow(text, n + 1, &room, 1);
	text[n] = '\0';
	*len = (size_t) n;
	return text;
}

static void
add_key(const char *path)
{
	static PhigPublicKey *keys = NULL;
	static int	room = 0;
	size_t		len;
	char	   *text = read_text(path, &len);

	keys = grow(keys, verifier.nkeys, &room, sizeof(PhigPublicKey));
	if (!phig_public_key_parse(&keys[verifier.nkeys], text, len))
		die("file \"%s\" holds no Ed25519 public key: PEM is wanted, as phiguard.journal_public_key() shows it", path);
	verifier.keys = keys;
	verifier.nkeys++;
	free(text);
}

/* A file of anchors, one a line. */
static void
add_anchors(const char *path)
{
	static int	room = 0;
	size_t		len;
	char	   *text = read_text(path, &len);
	char	   *rest = NULL;
	int			line_number = 0;
	bool		any = false;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
	{
		PhigAnchor *anchor;

		line_number++;
		if (line[strspn(line, " \t\r")] == '\0')
			continue;
		verifier.anchors = grow(verifier.anchors, verifier.nanchors, &room, sizeof(PhigAnchor));
		anchor = &verifier.anchors[verifier.nanchors];
		memset(anchor, 0, sizeof(*anchor));
		if (!phig_anchor_parse(&anchor->checkpoint, line, strlen(line)))
			die("file \"%s\", line %d: not an anchor as phiguard.journal_anchor() writes it", path, line_number);
		verifier.nanchors++;
		any = true;
	}
	if (!any)
		die("file \"%s\" holds no anchor", path);
	free(text);
}

/* By name: by node, then by number. */
static int
compare_files(const void *a, const void *b)
{
	return strcmp(((const File *) a)->name, ((const File *) b)->name);
}

static void
list_directory(const char *directory)
{
	static int	room = 0;
	const int	first = nfiles;
	DIR		   *dir = opendir(directory);
	struct dirent *entry;

	if (dir == NULL)
		die("could not open directory \"%s\": %s", directory, strerror(errno));
	while (errno = 0, (entry = readdir(dir)) != NULL)
	{
		File		file = {0};
		char		path[MAXPGPATH];

		if (!phig_parse_segment_name(entry->d_name, file.node8, &file.number))
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		file.path = copy_text(path);
		strlcpy(file.name, entry->d_name, sizeof(file.name));
		files = grow(files, nfiles, &room, sizeof(File));
		files[nfiles++] = file;
	}
	if (errno != 0)
		die("could not read directory \"%s\": %s", directory, strerror(errno));
	closedir(dir);
	qsort(files + first, (size_t) (nfiles - first), sizeof(File), compare_files);
	for (int i = first; i < nfiles; i++)
		files[i].newest = i + 1 == nfiles || strcmp(files[i].node8, files[i + 1].node8) != 0;
}

/*
 * compare_bytes
 *		Is there anything in one file that the other has not at the same place?
 *
 * Zeros are what has not been written, and a file that is shorter has none of the rest.
 */
static void
compare_bytes(const char *a, const char *b, bool *more_in_a, bool *more_in_b, bool *differ)
{
	size_t		alen,
				blen;
	char	   *atext = read_text(a, &alen);
	char	   *btext = read_text(b, &blen);

	*more_in_a = *more_in_b = *differ = false;
	for (size_t i = 0; i < Max(alen, blen); i++)
	{
		char		abyte = i < alen ? atext[i] : 0;
		char		bbyte = i < blen ? btext[i] : 0;

		if (abyte == bbyte)
			continue;
		*more_in_a |= bbyte == 0;
		*more_in_b |= abyte == 0;
		*differ |= abyte != 0 && bbyte != 0;
	}
	free(atext);
	free(btext);
}

/*
 * The same segment in two directories counts once; that both are the same is part of what is
 * asked.  One may be an older copy of the other, where it is the newest one that its directory has.
 */
static File
choose_file(const File *a, const File *b)
{
	bool		more_in_a,
				more_in_b,
				differ;
	const File *whole;
	const File *part;

	compare_bytes(a->path, b->path, &more_in_a, &more_in_b, &differ);
	if (!more_in_a && !more_in_b && !differ)
		return *a;
	whole = more_in_a ? a : b;
	part = more_in_a ? b : a;
	if (differ || (more_in_a && more_in_b) || !part->newest)
		die("\"%s\" and \"%s\" differ: check their directories one by one", a->path, b->path);
	if (!quiet)
		printf("\"%s\" is an older state of \"%s\"\n", part->path, whole->path);
	return *whole;
}

static void
order_files(void)
{
	int			n = 0;

	qsort(files, (size_t) nfiles, sizeof(File), compare_files);
	for (int i = 0; i < nfiles; i++)
	{
		if (n == 0 || strcmp(files[n - 1].name, files[i].name) != 0)
			files[n++] = files[i];
		else
			files[n - 1] = choose_file(&files[n - 1], &files[i]);
	}
	nfiles = n;
	for (int i = 0; i < nfiles; i++)
		files[i].last = i + 1 == nfiles || strcmp(files[i].node8, files[i + 1].node8) != 0;
}

/* See PhigBytes. */
static const uint8_t *
get_bytes(void *arg, uint64_t offset, size_t want, size_t *have)
{
	uint64_t	begin = offset > PHIG_VERIFY_BEHIND_BYTES ? offset - PHIG_VERIFY_BEHIND_BYTES : 0;
	uint64_t	end = reader.begin + reader.len;

	if (likely(offset >= reader.begin && offset + want <= end))
	{
		*have = end - offset;
		return reader.buffer + (offset - reader.begin);
	}
	begin -= begin % PAGE_BYTES;
	/* What is there already is not read again. */
	reader.len = begin >= reader.begin && begin < end ? end - begin : 0;
	if (reader.len > 0)
		memmove(reader.buffer, reader.buffer + (begin - reader.begin), reader.len);
	reader.begin = begin;
	while (reader.len < BUFFER_BYTES)
	{
		ssize_t		n = pread(reader.fd, reader.buffer + reader.len, BUFFER_BYTES - reader.len,
							  (off_t) (begin + reader.len));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
		{
			reader.failed = true;
			reader.error = errno;
		}
		if (n <= 0)
			break;
		reader.len += (size_t) n;
	}
	*have = begin + reader.len > offset ? begin + reader.len - offset : 0;
	return *have > 0 ? reader.buffer + (offset - begin) : NULL;
}

static PhigBytes
open_file(const File *file)
{
	PhigBytes	bytes = {get_bytes, NULL, 0};
	struct stat st;

	reader.begin = reader.len = 0;
	reader.failed = false;
	reader.fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (reader.fd < 0 || fstat(reader.fd, &st) != 0)
		die("could not open file \"%s\": %s", file->path, strerror(errno));
	bytes.limit = (uint64_t) st.st_size;
	return bytes;
}

static void
close_file(const File *file)
{
	close(reader.fd);
	if (reader.failed)
		die("could not read file \"%s\": %s", file->path, strerror(reader.error));
}

/* Every branch that the files tell of. */
static void
collect_branches(void)
{
	int			room = 0;

	for (int i = 0; i < nfiles; i++)
	{
		PhigSegmentHeader header;
		PhigBranch	branch;
		PhigBytes	bytes;
		PhigHeaderState state;

		if (files[i].number != 1)
			continue;
		bytes = open_file(&files[i]);
		state = phig_parse_header(&bytes, phig_crc32c, &header);
		close_file(&files[i]);
		if (state != PHIG_HEADER_OK ||
			!phig_verify_branch(&header, files[i].name, files[i].node8, files[i].number, &branch))
			continue;
		verifier.branches = grow(verifier.branches, verifier.nbranches, &room, sizeof(PhigBranch));
		verifier.branches[verifier.nbranches++] = branch;
	}
}

/* --- findings --- */

static void
put_finding(void *arg, const char *node8, const char *segment, uint64_t position, const char *what)
{
	char		line[512];
	char		place[32] = "-";

	if (position != 0)
		snprintf(place, sizeof(place), "%" PRIu64, position);
	snprintf(line, sizeof(line), "%s %s %s %s", node8, segment != NULL ? segment : "-", place, what);
	findings.lines = grow(findings.lines, findings.n, &findings.room, sizeof(char *));
	findings.lines[findings.n++] = copy_text(line);
}

/* Drop those from begin on; returns them as one text. */
static char *
take_back(int begin)
{
	size_t		len = 1;
	char	   *text;

	for (int i = begin; i < findings.n; i++)
		len += strlen(findings.lines[i]) + 1;
	text = malloc(len);
	if (text == NULL)
		die("out of memory");
	text[0] = '\0';
	for (int i = begin; i < findings.n; i++)
	{
		strlcat(text, findings.lines[i], len);
		strlcat(text, "\n", len);
		free(findings.lines[i]);
	}
	findings.n = begin;
	return text;
}

/* --- verification --- */

static void
verify_file(const File *file)
{
	PhigSegment segment = {
		.name = file->name,
		.number = file->number,
		.bytes = open_file(file),
		.last = file->last
	};

	phig_verify_segment(&verifier, &segment);
	close_file(file);
}

/* The newest segment: a batch may be on its way into it. */
static void
verify_newest(const File *file)
{
	const PhigVerifier before = verifier;
	const int	begin = findings.n;
	char	   *previous = NULL;

	for (int look = 1;; look++)
	{
		char	   *found;
		bool		stays;

		verify_file(file);
		if (findings.n == begin)
			break;
		found = take_back(begin);
		stays = previous != NULL && strcmp(found, previous) == 0;
		free(previous);
		previous = found;
		verifier = before;
		if (stays || look == LOOKS_AT_NEWEST)
		{
			verify_file(file);
			break;
		}
		usleep(PAUSE_US);
	}
	free(previous);
}

static void
print_time(int64_t time)
{
	/* From PostgreSQL's epoch to Unix's. */
	time_t		seconds = (time_t) (time / 1000000 + 946684800);
	struct tm	tm;
	char		text[32];

	if (gmtime_r(&seconds, &tm) != NULL && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm) > 0)
		printf(", signed %s", text);
}

/* How far the node is vouched for. */
static void
print_node(int nsegments)
{
	if (quiet)
		return;
	printf("node %s: %d segment%s, records %" PRIu64 " to %" PRIu64, verifier.node8, nsegments,
		   nsegments == 1 ? "" : "s", verifier.first_seq, verifier.last_seq);
	if (verifier.vouched_time == 0)
		printf("; no checkpoint vouches for them");
	else
	{
		printf("; a checkpoint vouches for all up to %" PRIu64, verifier.vouched_seq);
		print_time(verifier.vouched_time);
		if (verifier.nkeys == 0)
			printf(" (signature not checked: no --public-key)");
	}
	putchar('\n');
}

static void
check_anchor_signatures(void)
{
	for (int i = 0; i < verifier.nanchors && verifier.nkeys > 0; i++)
	{
		const PhigCheckpoint *c = &verifier.anchors[i].checkpoint;

		switch (phig_checkpoint_check(c, verifier.keys, verifier.nkeys))
		{
			case PHIG_SIGNATURE_GOOD:
				break;
			case PHIG_SIGNATURE_BAD:
				die("anchor %d does not have the signature of the key that it names: it was altered or forged", i + 1);
			case PHIG_SIGNATURE_KEY_UNKNOWN:
				die("anchor %d names a key that is none of those given by --public-key", i + 1);
		}
	}
}

static void
verify_all(void)
{
	int			nsegments = 0;

	for (int i = 0; i < nfiles; i++)
	{
		if (i == 0 || files[i - 1].last)
		{
			phig_verify_begin_node(&verifier, files[i].node8, 0);
			nsegments = 0;
		}
		nsegments++;
		if (!files[i].last)
		{
			verify_file(&files[i]);
			continue;
		}
		verify_newest(&files[i]);
		phig_verify_end_node(&verifier, 0);
		print_node(nsegments);
	}
	phig_verify_end(&verifier);
	if (verifier.hash_failed)
		die("OpenSSL could not compute SHA-256");
}

static void
usage(FILE *to)
{
	fputs("phiguard-verify checks the journal of phiguard, without a server.\n\n"
		  "Usage: phiguard-verify [OPTION]... DIRECTORY...\n\n"
		  "  -k, --public-key=FILE  Ed25519 key that signs the checkpoints, as phiguard.journal_public_key()\n"
		  "                         shows it; may be given several times\n"
		  "  -a, --anchor=FILE      anchors, one a line, as phiguard.journal_anchor() shows them; - for standard input\n"
		  "  -q, --quiet            print findings only\n"
		  "  -V, --version\n"
		  "  -h, --help\n\n"
		  "Each finding is a line: node, segment, number of the first record concerned, what is wrong.\n"
		  "Exit status: 0 intact, 1 something is wrong, 2 it could not be checked.\n", to);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{"public-key", required_argument, NULL, 'k'},
		{"anchor", required_argument, NULL, 'a'},
		{"quiet", no_argument, NULL, 'q'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0}
	};
	int			c;

	while ((c = getopt_long(argc, argv, "k:a:qVh", options, NULL)) != -1)
		switch (c)
		{
			case 'k':
				add_key(optarg);
				break;
			case 'a':
				add_anchors(optarg);
				break;
			case 'q':
				quiet = true;
				break;
			case 'V':
				puts("phiguard-verify 1.0");
				return 0;
			case 'h':
				usage(stdout);
				return 0;
			default:
				usage(stderr);
				return 2;
		}
	if (optind == argc)
	{
		usage(stderr);
		return 2;
	}

	for (int i = optind; i < argc; i++)
		list_directory(argv[i]);
	if (nfiles == 0 && verifier.nanchors == 0)
		die("no segment of a journal is there");
	order_files();
	reader.buffer = aligned_alloc(PAGE_BYTES, BUFFER_BYTES);
	if (reader.buffer == NULL)
		die("out of memory");
	verifier.crc32c = phig_crc32c;
	verifier.report = put_finding;
	check_anchor_signatures();
	collect_branches();
	verify_all();
	for (int i = 0; i < findings.n; i++)
		puts(findings.lines[i]);
	return findings.n > 0 ? 1 : 0;
}
