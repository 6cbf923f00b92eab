/*
 * hooks.c
 *		The only file that assigns a server hook.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"

#include "hooks.h"
#include "journal/journal.h"

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

static void
phig_shmem_request(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	phig_journal_shmem_request();
}

static void
phig_shmem_startup(void)
{
	if (prev_shmem_startup)
		prev_shmem_startup();
	phig_journal_shmem_startup();
}

void
phig_hooks_init(void)
{
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = phig_shmem_request;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = phig_shmem_startup;
}
