/*
 * child.c
 *		A shell command that runs beside the keeper, which never waits for one.
 *
 * fork and exec by hand: the C library's call waits, and posix_spawn cannot leave a process
 * group of its own on every system.  Between the two only what is safe after a fork.
 */
#include "postgres.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/stringinfo.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"

#include "journal/child.h"

/* In the child: nothing of the server but its environment, its directory and its log. */
static void
run_shell(const char *command, int input, int output)
{
	sigset_t	none;
	long		most = sysconf(_SC_OPEN_MAX);

	setpgid(0, 0);
	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		(void) signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	for (int fd = STDERR_FILENO + 1; fd < (most < 0 || most > 65536 ? 65536 : most); fd++)
		close(fd);
	execl("/bin/sh", "sh", "-c", command, (char *) NULL);
	_exit(127);
}

/* A descriptor from which the child reads input; the pipe takes all of it at once. */
static int
open_input(const char *input, PhigFault *fault)
{
	size_t		len = input ? strlen(input) : 0;
	int			fds[2];
	ssize_t		written;

	if (input == NULL)
		fds[0] = open("/dev/null", O_RDONLY);
	else if (pipe(fds) != 0)
		fds[0] = -1;
	else
	{
		written = write(fds[1], input, len);
		close(fds[1]);
		if (written != (ssize_t) len)
		{
			close(fds[0]);
			fds[0] = -1;
		}
	}
	if (fds[0] < 0)
		phig_fault_set(fault, errno, "could not make the input of a command");
	return fds[0];
}

/* With these as the command's descriptors; input is closed here. */
static bool
start(PhigChild *child, const char *command, int input, int output, PhigFault *fault)
{
	fflush(NULL);
	child->pid = fork();
	if (child->pid == 0)
		run_shell(command, input, output);
	close(input);
	if (child->pid < 0)
	{
		child->pid = 0;
		return phig_fault_set(fault, errno, "could not start a command");
	}
	child->started = phig_monotonic_ms();
	return true;
}

bool
phig_child_start(PhigChild *child, const char *command, const char *input, PhigFault *fault)
{
	int			fd = open_input(input, fault);

	child->output = -1;
	return fd >= 0 && start(child, command, fd, STDERR_FILENO, fault);
}

bool
phig_child_start_reading(PhigChild *child, const char *command, PhigFault *fault)
{
	int			input = open_input(NULL, fault);
	int			fds[2];
	bool		started;

	child->output = -1;
	if (input < 0)
		return false;
	if (pipe(fds) != 0)
	{
		phig_fault_set(fault, errno, "could not make the output of a command");
		close(input);
		return false;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	started = start(child, command, input, fds[1], fault);
	close(fds[1]);
	if (started)
		child->output = fds[0];
	else
		close(fds[0]);
	return started;
}

PhigChildState
phig_child_poll(PhigChild *child, double patience_ms, PhigFault *fault)
{
	bool		late;
	int			status;
	pid_t		pid;

	if (child->pid == 0)
		return PHIG_CHILD_NONE;

	/*
	 * A process that waits for a broken device does not even end by SIGKILL; nobody waits for it
	 * here.
	 */
	late = phig_monotonic_ms() - child->started > patience_ms;
	if (late)
		kill(-child->pid, SIGKILL);
	pid = waitpid(child->pid, &status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return PHIG_CHILD_RUNS;
	child->pid = 0;
	if (late)
		phig_fault_set(fault, 0, "it did not end within %.0f s, and was killed", patience_ms / 1000);
	else if (pid < 0)
		phig_fault_set(fault, errno, "could not learn how it ended");
	else if (WIFSIGNALED(status))
		phig_fault_set(fault, 0, "it was terminated by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		phig_fault_set(fault, 0, "it ended with exit code %d", WEXITSTATUS(status));
	else
		return PHIG_CHILD_DONE;
	return PHIG_CHILD_FAILED;
}

char *
phig_child_command(const char *setting, const char *path, const char *name)
{
	StringInfoData command;

	initStringInfo(&command);
	for (const char *p = setting; *p; p++)
	{
		if (p[0] == '%' && p[1] == 'p' && path)
			appendStringInfoString(&command, path);
		else if (p[0] == '%' && p[1] == 'f' && name)
			appendStringInfoString(&command, name);
		else if (p[0] == '%' && p[1] == '%')
			appendStringInfoChar(&command, '%');
		else
		{
			appendStringInfoChar(&command, *p);
			continue;
		}
		p++;
	}
	return command.data;
}
