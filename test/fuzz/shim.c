/*
 * shim.c
 *		As much of a backend as a parser needs: palloc and ereport.
 *
 * Every palloc is a malloc of its own, so that the address sanitizer sees its
 * ends; all are freed after each input, as a memory context would.  An error
 * ends the input by a jump, as in a backend, also through PG_TRY.  StringInfo
 * and psprintf come from the server's libpgcommon, and end up here for memory.
 */
#include "postgres.h"

#include "fuzz.h"

typedef struct Block
{
	struct Block *next;
	struct Block *prev;
	Size		size;
	char		data[FLEXIBLE_ARRAY_MEMBER];
} Block;

unsigned long phig_fuzz_errors = 0;

static Block blocks = {&blocks, &blocks, 0};
static int	elevel_now = 0;

sigjmp_buf *PG_exception_stack = NULL;
ErrorContextCallback *error_context_stack = NULL;
MemoryContext CurrentMemoryContext = NULL;
MemoryContext TopMemoryContext = NULL;

void
phig_fuzz_one(const uint8_t *data, size_t size)
{
	sigjmp_buf	jump;

	if (sigsetjmp(jump, 0) == 0)
	{
		PG_exception_stack = &jump;
		LLVMFuzzerTestOneInput(data, size);
	}
	else
		phig_fuzz_errors++;
	PG_exception_stack = NULL;
	while (blocks.next != &blocks)
		pfree(blocks.next->data);
}

static Block *
block_of(void *pointer)
{
	return (Block *) ((char *) pointer - offsetof(Block, data));
}

void *
palloc(Size size)
{
	Block	   *block;

	/* as the backend does */
	if (size > (Size) 0x3fffffff)
		elog(ERROR, "invalid memory alloc request size");
	block = malloc(offsetof(Block, data) + size);
	block->size = size;
	block->next = blocks.next;
	block->prev = &blocks;
	blocks.next->prev = block;
	blocks.next = block;
	return block->data;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void *
palloc_extended(Size size, int flags)
{
	return flags & MCXT_ALLOC_ZERO ? palloc0(size) : palloc(size);
}

void
pfree(void *pointer)
{
	Block	   *block = block_of(pointer);

	block->prev->next = block->next;
	block->next->prev = block->prev;
	free(block);
}

void *
repalloc(void *pointer, Size size)
{
	Size		old = block_of(pointer)->size;
	void	   *new = palloc(size);

	memcpy(new, pointer, Min(old, size));
	pfree(pointer);
	return new;
}

void *
repalloc_huge(void *pointer, Size size)
{
	return repalloc(pointer, size);
}

void *
MemoryContextAlloc(MemoryContext context, Size size)
{
	return palloc(size);
}

void *
MemoryContextAllocZero(MemoryContext context, Size size)
{
	return palloc0(size);
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *out = palloc0(strnlen(in, len) + 1);

	return memcpy(out, in, strnlen(in, len));
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

bool
errstart(int elevel, const char *domain)
{
	elevel_now = elevel;
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	if (elevel_now > ERROR)
		abort();
	pg_re_throw();
}

void
pg_re_throw(void)
{
	if (PG_exception_stack == NULL)
		abort();
	siglongjmp(*PG_exception_stack, 1);
}

int
errcode(int sqlerrcode)
{
	return 0;
}

int
errcode_for_file_access(void)
{
	return 0;
}

int
errhidestmt(bool hide_stmt)
{
	return 0;
}

/* Messages are written out, so that a bad format or argument shows. */
static int
write_message(const char *fmt, va_list args)
{
	char		message[1024];

	vsnprintf(message, sizeof(message), fmt, args);
	return 0;
}

#define MESSAGE_FUNCTION(name) \
int \
name(const char *fmt,...) \
{ \
	va_list		args; \
 \
	va_start(args, fmt); \
	write_message(fmt, args); \
	va_end(args); \
	return 0; \
}

MESSAGE_FUNCTION(errmsg)
MESSAGE_FUNCTION(errmsg_internal)
MESSAGE_FUNCTION(errdetail)
MESSAGE_FUNCTION(errdetail_internal)
MESSAGE_FUNCTION(errhint)
