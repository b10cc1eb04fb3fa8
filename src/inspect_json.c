/* The machine of a bundle as JSON, for pome inspect. design/cli.md; the keys are
 * those of tests/bundles/manifest.json. */
#include <stdio.h>
#include <string.h>

#include "inspect.h"

/* Names inside a bundle are shown as the bundle has them. */
const char *inspect_name(const struct bundle *b, const char *path)
{
	size_t n = b->dir ? strlen(b->dir) : 0;

	if (n && !strncmp(path, b->dir, n) && path[n] == '/')
		return path + n + 1;
	return path;
}

void inspect_mac(const uint8_t m[6], char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2],
		 m[3], m[4], m[5]);
}

static void set_str(json_t *o, const char *key, const char *v)
{
	if (v)
		json_object_set_new(o, key, json_string(v));
}

static void set_int(json_t *o, const char *key, int64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_mac(json_t *o, const uint8_t mac[6])
{
	char text[18];

	inspect_mac(mac, text);
	set_str(o, "mac", text);
}

static json_t *disks_json(const struct bundle *b)
{
	json_t *all = json_array();

	for (int i = 0; i < b->vm.ndisks; i++) {
		const struct bvm_disk *d = &b->vm.disk[i];
		json_t *o = json_object();

		set_str(o, "file", inspect_name(b, d->path));
		set_str(o, "role", d->role);
		json_object_set_new(o, "ro", json_boolean(d->ro));
		set_str(o, "bus", d->bus);
		if (*d->serial)
			set_str(o, "serial", d->serial);
		set_str(o, "format", d->format);
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *nics_json(const struct bundle *b)
{
	static const char *const mode[] = { "user", "bridged", "host", "unix" };
	json_t *all = json_array(), *fwd;

	for (int i = 0; i < b->vm.nnics; i++) {
		const struct bvm_nic *n = &b->vm.nic[i];
		json_t *o = json_object();

		set_str(o, "mode", mode[n->mode]);
		if (n->has_mac)
			set_mac(o, n->mac);
		set_str(o, "iface", n->iface);
		set_str(o, "path", n->path);
		if (n->mtu)
			set_int(o, "mtu", n->mtu);
		if (n->isolated)
			json_object_set_new(o, "isolated", json_true());
		if (n->nfwd) {
			fwd = json_array();
			for (int k = 0; k < n->nfwd; k++)
				json_array_append_new(fwd,
						      json_string(n->fwd[k]));
			json_object_set_new(o, "forwards", fwd);
		}
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *shares_json(const struct bundle *b)
{
	json_t *all = json_array(), *paths;

	for (int i = 0; i < b->vm.nshares; i++) {
		const struct bvm_share *s = &b->vm.share[i];
		json_t *o = json_object();

		if (s->npaths == 1)
			set_str(o, "path", s->path[0]);
		paths = json_array();
		for (int k = 0; k < s->npaths; k++)
			json_array_append_new(paths, json_string(s->path[k]));
		if (s->npaths > 1)
			json_object_set(o, "paths", paths);
		json_decref(paths);
		set_str(o, "tag", s->tag);
		json_object_set_new(o, "ro", json_boolean(s->ro));
		json_array_append_new(all, o);
	}
	return all;
}

static void set_boot(const struct bundle *b, json_t *vm)
{
	static const char *const kind[] = { "", "rom", "kernel", "uefi" };
	const struct bvm *v = &b->vm;
	json_t *o;

	if (v->boot == BVM_BOOT_UNKNOWN)
		return;
	o = json_object();
	set_str(o, "kind", kind[v->boot]);
	if (v->kernel)
		set_str(o, "kernel", inspect_name(b, v->kernel));
	if (v->initrd)
		set_str(o, "initrd", inspect_name(b, v->initrd));
	set_str(o, "cmdline", v->cmdline);
	if (v->dtb)
		set_str(o, "dtb", inspect_name(b, v->dtb));
	if (v->firmware)
		set_str(o, "firmware", inspect_name(b, v->firmware));
	if (v->vars)
		set_str(o, "vars", inspect_name(b, v->vars));
	json_object_set_new(vm, "boot", o);
}

static void set_platform(const struct bvm *v, json_t *vm)
{
	char text[40];
	json_t *o;

	if (!v->has_model && !v->has_ecid)
		return;
	o = json_object();
	if (v->has_model) {
		set_int(o, "drv", v->drv);
		set_int(o, "pv", v->pv);
		snprintf(text, sizeof(text), "%u.%u.%u", v->minos[0],
			 v->minos[1], v->minos[2]);
		set_str(o, "minos", text);
	}
	if (v->has_ecid) {
		snprintf(text, sizeof(text), "0x%016llx",
			 (unsigned long long)v->ecid);
		set_str(o, "ecid", text);
	}
	json_object_set_new(vm, "platform", o);
}

json_t *inspect_vm(const struct bundle *b, const struct config *c)
{
	const struct bvm *v = &b->vm;
	json_t *vm = json_object(), *o, *a;

	set_str(vm, "guest", b->guest);
	set_str(vm, "arch", b->described ? v->arch : "aarch64");
	if (!b->described) {            /* a kernel */
		if (c->kernel.path) {
			o = json_object();
			set_str(o, "kind", "kernel");
			set_str(o, "kernel", c->kernel.path);
			json_object_set_new(vm, "boot", o);
		}
		return vm;
	}
	set_str(vm, "name", v->name);
	set_str(vm, "uuid", v->uuid);
	if (v->has_cpus)
		set_int(vm, "cpus", (int64_t)v->cpus);
	if (v->ram)
		set_int(vm, "ram_bytes", (int64_t)v->ram);
	set_boot(b, vm);
	set_platform(v, vm);
	if (v->aux) {
		o = json_object();
		set_str(o, "file", inspect_name(b, v->aux));
		set_int(o, "offset", (int64_t)v->aux_offset);
		json_object_set_new(vm, "aux", o);
	}
	json_object_set_new(vm, "disks", disks_json(b));
	json_object_set_new(vm, "nics", nics_json(b));
	a = json_array();
	for (int i = 0; i < v->ndisplays; i++) {
		const struct bvm_display *d = &v->display[i];

		o = json_object();
		if (d->w) {
			set_int(o, "w", d->w);
			set_int(o, "h", d->h);
		}
		if (d->ppi)
			set_int(o, "ppi", d->ppi);
		json_array_append_new(a, o);
	}
	json_object_set_new(vm, "displays", a);
	a = json_array();
	for (int i = 0; i < v->nserials; i++)
		json_array_append_new(a, json_string(v->serial[i].where));
	json_object_set_new(vm, "serial", a);
	if (v->nshares)
		json_object_set_new(vm, "shares", shares_json(b));
	return vm;
}

