/* blob.S: the boot ROM's image inside pome. Empty where it could not be built. */
	.section .rodata
	.balign 16
	.global firmware_rom, firmware_rom_end
firmware_rom:
	.incbin ROM_BIN
firmware_rom_end:
	.section .note.GNU-stack, "", %progbits
