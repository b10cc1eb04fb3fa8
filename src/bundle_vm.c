/* Filling the description of a machine: what all readers do the same way. */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundle_int.h"
#include "config_parts.h"
#include "identity.h"

void vm_key(char **slot, const struct node *at)
{
	char p[NODE_PATH];

	free(*slot);
	*slot = at ? strdup(node_path(at, p)) : NULL;
}

void vm_cpus(struct bundle *b, struct node *dict, const char *key,
	     enum need need, bool zero_is_auto)
{
	int64_t n;

	if (!get_range(b, dict, key, need, zero_is_auto ? 0 : 1, 1 << 20, &n))
		return;
	b->vm.has_cpus = true;
	b->vm.cpus = (uint64_t)n;
}

void vm_ram(struct bundle *b, struct node *dict, const char *key, uint64_t unit)
{
	int64_t n;
	uint64_t bytes;

	if (!get_int(b, dict, key, REQUIRED, &n))
		return;
	if (n <= 0 || size_mul((uint64_t)n, unit, &bytes) || bytes > 1ull << 50)
		note_at(b, NOTE_ERROR, "bad-value", dict, key, "%" PRId64
			"; expected a size in %s, from 64 MiB to 1 TiB", n,
			unit == 1 ? "bytes" : "MiB");
	else if (bytes < 64 * MIB)
		note_at(b, NOTE_ERROR, "bad-value", dict, key, "%" PRId64
			" %s; expected at least 64 MiB%s", n,
			unit == 1 ? "bytes" : "MiB",
			unit == 1 ? " (was it meant in MiB?)" : "");
	else
		b->vm.ram = bytes;
}

void vm_text(struct bundle *b, struct node *dict, const char *key, char **slot,
	     enum need need)
{
	const char *s = get_str(b, dict, key, need);

	if (!s)
		return;
	free(*slot);
	*slot = strdup(s);
}

struct bvm_disk *vm_disk(struct bundle *b, const struct node *at, char *path,
			 bool ro)
{
	struct bvm_disk *d;

	if (b->vm.ndisks == BVM_MAX) {
		note_at(b, NOTE_ERROR, "bad-value", at, NULL, "more than %d "
			"disks", BVM_MAX);
		free(path);
		return NULL;
	}
	d = &b->vm.disk[b->vm.ndisks];
	d->path = path;
	d->ro = ro;
	d->bus = "virtio";
	d->role = b->vm.ndisks ? "data" : "root";
	vm_key(&d->key, at);
	b->vm.ndisks++;
	return d;
}

struct bvm_nic *vm_nic(struct bundle *b, const struct node *at)
{
	struct bvm_nic *n;

	if (b->vm.nnics == BVM_MAX)
		return NULL;
	n = &b->vm.nic[b->vm.nnics++];
	vm_key(&n->key, at);
	return n;
}

#define NO_PICTURES "pome shows no pictures"

struct bvm_display *vm_display(struct bundle *b, struct node *at, int64_t w,
			       int64_t h, int64_t ppi)
{
	struct bvm_display *d;

	if (at && at->type == NODE_STRING)      /* Lume's "1024x768" */
		node_ignore_all(at, NO_PICTURES);
	for (struct node *k = at ? at->child : NULL; k; k = k->next)
		node_ignore_all(k, NO_PICTURES);

	if (b->vm.ndisplays == BVM_MAX)
		return NULL;
	if (w < 1 || w > 16384 || h < 1 || h > 16384 || ppi < 0 ||
	    ppi > 1000) {
		note_at(b, NOTE_ERROR, "bad-value", at, NULL, "a display of "
			"%" PRId64 " by %" PRId64 ", %" PRId64 " dots an inch; "
			"expected 1 to 16384 pixels, up to 1000 an inch", w, h,
			ppi);
		return NULL;
	}
	d = &b->vm.display[b->vm.ndisplays++];
	d->w = w;
	d->h = h;
	d->ppi = ppi;
	return d;
}

struct bvm_share *vm_share(struct bundle *b, const struct node *at,
			   const char *tag, bool ro)
{
	struct bvm_share *s;

	if (b->vm.nshares == BVM_MAX)
		return NULL;
	s = &b->vm.share[b->vm.nshares++];
	s->tag = strdup(tag);
	s->ro = ro;
	vm_key(&s->key, at);
	return s;
}

void vm_share_path(struct bvm_share *s, const char *path)
{
	char **p = realloc(s->path, (size_t)(s->npaths + 1) * sizeof(*p));

	if (!p)
		return;
	s->path = p;
	s->path[s->npaths] = strdup(path);
	if (s->path[s->npaths])
		s->npaths++;
}

struct bvm_serial *vm_serial(struct bundle *b, const struct node *at, bool uart,
			     const char *fmt, ...)
{
	struct bvm_serial *s;
	va_list ap;

	if (b->vm.nserials == BVM_MAX)
		return NULL;
	s = &b->vm.serial[b->vm.nserials];
	va_start(ap, fmt);
	if (vasprintf(&s->where, fmt, ap) < 0)
		s->where = NULL;
	va_end(ap);
	if (!s->where)
		return NULL;
	s->uart = uart;
	vm_key(&s->key, at);
	b->vm.nserials++;
	return s;
}

void vm_mac(struct bundle *b, struct node *dict, const char *key,
	    enum need need, bool hyphens, struct bvm_nic *n)
{
	const char *s = get_str(b, dict, key, need);

	if (!s)
		return;
	if ((strchr(s, '-') && !hyphens) || config_mac(s, n->mac)) {
		note_at(b, NOTE_ERROR, "bad-value", dict, key, "'%.40s' is no "
			"unicast MAC address; expected six hex pairs with "
			"colons, as in 02:00:00:00:00:01", s);
		return;
	}
	n->has_mac = true;
}

static bool ipv4(struct bundle *b, const struct node *at, const char *s)
{
	struct in_addr a;

	if (!s || !*s || inet_pton(AF_INET, s, &a) == 1)
		return true;
	note_at(b, NOTE_ERROR, "bad-value", at, NULL, "'%.60s' is no IPv4 "
		"address", s);
	return false;
}

void vm_forward(struct bundle *b, const struct node *at, struct bvm_nic *n,
		bool udp, const char *host, int64_t hport, const char *guest,
		int64_t gport)
{
	if (!ipv4(b, at, host) || !ipv4(b, at, guest))
		return;
	if (n->nfwd == CFG_MAX_FWD) {
		note_at(b, NOTE_WARN, "bad-value", at, NULL, "more than %d "
			"forwards of one card; left out", CFG_MAX_FWD);
		return;
	}
	if (asprintf(&n->fwd[n->nfwd], "%s:%s:%d-%s:%d", udp ? "udp" : "tcp",
		     host ? host : "", (int)hport, guest ? guest : "",
		     (int)gport) >= 0)
		n->nfwd++;
}

void vm_net_plan(struct bundle *b, struct node *dict, const char *key,
		 const char *as, struct bvm_nic *n)
{
	const char *s = get_str(b, dict, key, OPTIONAL);
	struct err e;

	if (s && *s && config_net_key(&n->plan, as, s, &e))
		note_at(b, NOTE_ERROR, "bad-value", dict, key, "'%.60s' is no "
			"%s", s, !strcmp(as, "net") ? "network; expected "
			"ADDRESS/BITS with 8 to 27 bits, as in 10.0.2.0/24" :
			!strcmp(as, "domainname") ? "name of a domain" :
			"IPv4 address");
}

void vm_set_serial(struct bvm_disk *d, const char *id)
{
	size_t n = 0;

	/* The first 20 characters without hyphens (section 1.2). */
	for (; *id && n < sizeof(d->serial) - 1; id++)
		if (*id > 0x20 && *id < 0x7f && *id != '-')
			d->serial[n++] = *id;
	d->serial[n] = 0;
}

/* ---- identity ------------------------------------------------------------- */

void vm_model(struct bundle *b, const struct node *at, const char *key,
	      const void *blob, size_t len)
{
	struct hw_model m = { 0 };
	struct err e;
	enum id_verdict v = identity_model(blob, len, &m, &e);

	if (v == ID_BAD) {
		note_at(b, NOTE_ERROR, "bad-identity", at, key, "%s", e.msg);
		return;
	}
	b->vm.has_model = true;
	b->vm.drv = m.drv;
	b->vm.pv = m.pv;
	memcpy(b->vm.minos, m.minos, sizeof(m.minos));
	if (v == ID_UNSUPPORTED)
		refuse_at(b, "platform-unsupported", at, key, "%s", e.msg);
	else if (v == ID_HOST_BOUND)
		note_at(b, NOTE_WARN, "identity-host-bound", at, key, "the "
			"machine was made on macOS 26 or later and is tied to "
			"a key of that Mac; what needs the key may fail "
			"(iCloud sign-in, perhaps boot)");
}

void vm_ecid(struct bundle *b, const struct node *at, const char *key,
	     const void *blob, size_t len)
{
	struct err e;
	enum id_verdict v = identity_ecid(blob, len, &b->vm.ecid, &e);

	b->vm.has_ecid = v != ID_BAD;
	if (v != ID_OK)
		note_at(b, v == ID_ZERO ? NOTE_WARN : NOTE_ERROR,
			"bad-identity", at, key, "%s", e.msg);
}

static bool from_base64(struct bundle *b, struct node *dict, const char *key,
			enum need need, uint8_t **blob, size_t *len)
{
	const char *s = get_str(b, dict, key, need);

	*blob = NULL;
	if (!s)
		return node_has(dict, key);
	*blob = identity_base64(s, len);
	if (!*blob)
		note_at(b, NOTE_ERROR, "bad-base64", dict, key, "not base64 "
			"text; expected about 80 to 200 characters of it");
	return true;
}

bool vm_model_base64(struct bundle *b, struct node *dict, const char *key,
		     enum need need)
{
	uint8_t *blob;
	size_t len;
	bool there = from_base64(b, dict, key, need, &blob, &len);

	if (blob)
		vm_model(b, dict, key, blob, len);
	free(blob);
	return there;
}

bool vm_ecid_base64(struct bundle *b, struct node *dict, const char *key,
		    enum need need)
{
	uint8_t *blob;
	size_t len;
	bool there = from_base64(b, dict, key, need, &blob, &len);

	if (blob)
		vm_ecid(b, dict, key, blob, len);
	free(blob);
	return there;
}

void vm_aux(struct bundle *b, const struct node *at, const char *key,
	    char *path)
{
	uint64_t size = 0;
	struct err e;
	int fd;

	if (!path)
		return;
	free(b->vm.aux);
	b->vm.aux = path;
	/* One that lies elsewhere is opened at start. */
	if (strncmp(path, b->dir, strlen(b->dir)) && strcmp(b->dir, "."))
		return;
	fd = file_open(path, &size, &e);
	if (fd < 0) {
		note_at(b, NOTE_ERROR, "file-missing", at, key, "%s", e.msg);
		return;
	}
	close(fd);
	if (identity_aux(size, &b->vm.aux_offset, &e)) {
		note_at(b, NOTE_ERROR, "bad-aux", at, key, "%s", e.msg);
		return;
	}
	b->vm.aux_size = AUX_SIZE;
	if (size == AUX_SIZE)
		note_at(b, NOTE_NOTE, "aux-trimmed", at, key, "the auxiliary "
			"storage comes without its first 16 KiB, which the "
			"machine does not see anyway");
}

void vm_suspended(struct bundle *b, const char *name)
{
	if (!file_exists(b, name))
		return;
	bundle_note(b, NOTE_ERROR, "suspended-state", NULL, "%s: the machine "
		    "was suspended, not shut down; its memory is kept in a "
		    "format that only Apple's framework reads, and its disks "
		    "belong to it (shut it down on the Mac; or remove that "
		    "file from a copy of the bundle, which is like pulling the "
		    "plug)", name);
	if (b->nnotes)
		b->note[b->nnotes - 1].ours = true;
}

void bundle_vm_fini(struct bvm *vm)
{
	char **text[] = { &vm->name, &vm->uuid, &vm->boot_key, &vm->kernel,
			  &vm->initrd, &vm->cmdline, &vm->dtb, &vm->firmware,
			  &vm->vars, &vm->aux };

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		free(*text[i]);
	for (int i = 0; i < vm->ndisks; i++) {
		free(vm->disk[i].path);
		free(vm->disk[i].key);
	}
	for (int i = 0; i < vm->nnics; i++) {
		struct bvm_nic *n = &vm->nic[i];

		free(n->key);
		free(n->iface);
		free(n->path);
		for (int k = 0; k < n->nfwd; k++)
			free(n->fwd[k]);
	}
	for (int i = 0; i < vm->nserials; i++) {
		free(vm->serial[i].key);
		free(vm->serial[i].where);
	}
	for (int i = 0; i < vm->nshares; i++) {
		struct bvm_share *s = &vm->share[i];

		for (int k = 0; k < s->npaths; k++)
			free(s->path[k]);
		free(s->path);
		free(s->key);
		free(s->tag);
	}
}
