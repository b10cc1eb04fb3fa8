/* apple_hvc.h: numbers of the hypercalls of Apple's virtual machine platform.
 * spec/vmapple.md 9.2. The interpreter has them in hvc_apple.c, KVM in
 * kvm_apple.c. */
#ifndef POME_APPLE_HVC_H
#define POME_APPLE_HVC_H

enum {
	PAC_SET_INITIAL_STATE = 0xc1000000,
	PAC_GET_DEFAULT_KEYS = 0xc1000001,
	PAC_SET_A_KEYS = 0xc1000002,
	PAC_SET_B_KEYS = 0xc1000003,
	PAC_SET_EL0_DIVERSIFIER = 0xc1000004,
	PAC_SET_EL0_DIVERSIFIER_AT_EL1 = 0xc1000005,
	PAC_SET_G_KEY = 0xc1000006,
	PAC_NOP = 0xc10000f0,
	GET_MABS_OFFSET = 0xc3000003,
	GET_BOOTSESSIONUUID = 0xc3000004,
	VCPU_WFK = 0xc3000005,
	VCPU_KICK = 0xc3000006,
	OEM_UID = 0x8300ff01,
	OEM_REVISION = 0x8300ff03,
	OEM_FEATURES = 0x8300feff,
};

/* What PAC_GET_DEFAULT_KEYS gives on Apple's own hosts: this and a few. */
#define DEFAULT_KEY 0xfeedfacefeedfacfull
enum { DEFAULT_B = 0, DEFAULT_EL0 = 4, DEFAULT_A = 6, DEFAULT_G = 10 };

/* 3B878185-AA62-4E1F-9DC9-D6799CBB6EBB in w0 to w3, backwards */
#define OEM_UID_WORDS { 0x9cbb6ebb, 0x9dc9d679, 0xaa624e1f, 0x3b878185 }

#endif
