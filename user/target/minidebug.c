/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * minidebug.c - unpacks .gnu_debugdata, the xz-compressed symbol table of stripped files.
 *
 * A few kilobytes of xz can stand for gigabytes: both the output and the decoder's own memory
 * are bounded here, which is why liblzma is used directly.
 */
#include "target/module_internal.h"

#include <lzma.h>
#include <stdlib.h>

#define PACKED_BYTES_MAX     (32u << 20)
#define UNPACKED_BYTES_FIRST (256u << 10)
#define UNPACKED_BYTES_MAX   (64u << 20)
#define DECODER_BYTES_MAX    (64u << 20)

/* Decodes to the end of the stream; the buffer grows to UNPACKED_BYTES_MAX and no further. */
static uint8_t *decode(lzma_stream *stream, size_t *bytes)
{
	size_t capacity = UNPACKED_BYTES_FIRST;
	uint8_t *out = malloc(capacity);
	lzma_ret result = LZMA_OK;

	while (out) {
		uint8_t *more;

		stream->next_out = out + stream->total_out;
		stream->avail_out = capacity - stream->total_out;
		result = lzma_code(stream, LZMA_FINISH);
		if (result != LZMA_OK || stream->avail_out || capacity == UNPACKED_BYTES_MAX)
			break;
		more = realloc(out, capacity *= 2);
		if (!more)
			break;
		out = more;
	}
	if (result == LZMA_STREAM_END && out) {
		*bytes = stream->total_out;
		return out;
	}
	free(out);
	return NULL;
}

static uint8_t *unpack(const uint8_t *packed, size_t packed_bytes, size_t *bytes)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	uint8_t *unpacked;

	stream.next_in = packed;
	stream.avail_in = packed_bytes;
	if (lzma_stream_decoder(&stream, DECODER_BYTES_MAX, 0) != LZMA_OK)
		return NULL;
	unpacked = decode(&stream, bytes);
	lzma_end(&stream);
	return unpacked;
}

uint8_t *minidebug_read(const struct elf_file *file, size_t *bytes)
{
	const Elf64_Shdr *section = elf_file_section(file, NULL, SHT_PROGBITS, ".gnu_debugdata");
	uint8_t *packed, *unpacked = NULL;

	if (!section || !section->sh_size || section->sh_size > PACKED_BYTES_MAX ||
		section->sh_size > file->source.size)
		return NULL;
	packed = malloc(section->sh_size);
	if (!packed)
		return NULL;
	if (!elf_source_read(&file->source, section->sh_offset, packed, section->sh_size))
		unpacked = unpack(packed, section->sh_size, bytes);
	free(packed);
	return unpacked;
}
