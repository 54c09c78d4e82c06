#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int identity_enter(uid_t id, struct err *e)
{
	(void)setfsgid(id);
	(void)setfsuid(id);
	/* Neither call reports failure: both return what was in force before. */
	if (setfsgid(id) != (int)id || setfsuid(id) != (int)id) {
		identity_leave();
		return err_set(e, ERR_INTERNAL,
			       "cannot act as uid %u: CAP_SETUID and CAP_SETGID are missing", id);
	}
	return 0;
}

void identity_leave(void)
{
	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
}

/* The bounding set can only be cut with CAP_SETPCAP, which a container's agent does not hold; there
 * no_new_privs makes it meaningless. */
static void clear_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
}

int identity_drop(uid_t id)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	uid_t r, eff, saved;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		return -1;
	}
	clear_bounding_set();
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0 ||
	    syscall(SYS_capset, &header, none) < 0) {
		return -1;
	}
	if (getresuid(&r, &eff, &saved) < 0 || r != id || eff != id || saved != id ||
	    setuid(0) == 0) {
		errno = EPERM;
		return -1;
	}
	return 0;
}
