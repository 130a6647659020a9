/* The upper bound for any decoder in Python: demuxes, decodes and resamples a file's first audio stream
 * to 16 kHz mono s16 in C, with the libav libraries of the av wheel, and drops the samples.
 *
 * Prints the number of samples and the seconds of CPU time that main() took. It probes files as
 * little as azstt does, so that probing does not slow down the bound.
 *
 * The wheel has no headers: these are the first fields of the public structs of FFmpeg 7 and 8.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { AUDIO = 1, S16 = 1, DISCARD_ALL = 48, RATE = 16000, BLOCK = 1 << 16 };

typedef struct { int order, channels; uint64_t mask; void *opaque; } Layout;
typedef struct {
    const void *class, *input, *output;
    void *private, *io;
    int flags;
    unsigned stream_count;
    void **streams;
} Container;
typedef struct { const void *class; int index, id; void *parameters; } Stream;
typedef struct { void *buffer; int64_t pts, dts; uint8_t *data; int size, stream; } Packet;
typedef struct {
    uint8_t *data[8];
    int linesize[8];
    uint8_t **planes;
    int width, height, samples, format;
} Frame;

unsigned avformat_version(void);
int avformat_open_input(Container **, const char *, const void *, void **);
int avformat_find_stream_info(Container *, void **);
void avformat_close_input(Container **);
int av_find_best_stream(Container *, int, int, int, const void **, int);
int av_read_frame(Container *, Packet *);
void *avcodec_alloc_context3(const void *);
int avcodec_parameters_to_context(void *, const void *);
int avcodec_open2(void *, const void *, void **);
int avcodec_send_packet(void *, const Packet *);
int avcodec_receive_frame(void *, Frame *);
void avcodec_free_context(void **);
Packet *av_packet_alloc(void);
void av_packet_unref(Packet *);
Frame *av_frame_alloc(void);
int av_dict_set(void **, const char *, const char *, int);
int av_opt_set_int(void *, const char *, int64_t, int);
int av_opt_get_int(void *, const char *, int, int64_t *);
int av_opt_get_chlayout(void *, const char *, int, Layout *);
void av_channel_layout_default(Layout *, int);
int swr_alloc_set_opts2(void **, const Layout *, int, int, const Layout *, int, int, int, void *);
int swr_init(void *);
int swr_convert(void *, uint8_t **, int, const uint8_t **, int);
void swr_free(void **);

static void *resampler(void *codec, const Frame *frame)
{
    Layout from = {0}, mono = {1, 1, 4, NULL};
    int64_t rate = 0;
    void *swr = NULL;
    av_opt_get_chlayout(codec, "ch_layout", 0, &from);
    av_opt_get_int(codec, "ar", 0, &rate);
    if (from.order == 0)
        av_channel_layout_default(&from, from.channels);
    if (swr_alloc_set_opts2(&swr, &mono, S16, RATE, &from, frame->format, (int)rate, 0, NULL) < 0
        || swr_init(swr) < 0)
        exit(4);
    return swr;
}

static int64_t decode(Container *container, void *codec, int chosen)
{
    Packet *packet = av_packet_alloc();
    Frame *frame = av_frame_alloc();
    uint8_t *block = malloc(2 * BLOCK), *out[8] = {block};
    void *swr = NULL;
    int64_t total = 0;
    for (int more = 1; more;) {
        more = av_read_frame(container, packet) >= 0;
        if (more && packet->stream != chosen) {
            av_packet_unref(packet);
            continue;
        }
        avcodec_send_packet(codec, more ? packet : NULL);
        av_packet_unref(packet);
        while (avcodec_receive_frame(codec, frame) >= 0) {
            if (!swr)
                swr = resampler(codec, frame);
            int n = swr_convert(swr, out, BLOCK, (const uint8_t **)frame->planes, frame->samples);
            total += n > 0 ? n : 0;
        }
    }
    if (swr) {
        int n = swr_convert(swr, out, BLOCK, NULL, 0);
        total += n > 0 ? n : 0;
        swr_free(&swr);
    }
    return total;
}

int main(int count, char **words)
{
    Container *container = NULL;
    const void *decoder = NULL;
    void *options = NULL;
    unsigned version = avformat_version() >> 16;
    if (count < 2 || version < 61 || version > 62)
        return 5; /* other versions may lay these structs out differently */
    av_dict_set(&options, "probesize", "4096", 0);
    av_dict_set(&options, "analyzeduration", "0", 0);
    av_dict_set(&options, "max_size", "32768", 0);
    if (avformat_open_input(&container, words[1], NULL, &options) < 0)
        return 1;
    avformat_find_stream_info(container, NULL);
    int chosen = av_find_best_stream(container, AUDIO, -1, -1, &decoder, 0);
    if (chosen < 0)
        return 2;
    for (unsigned i = 0; i < container->stream_count; i++)
        if ((int)i != chosen)
            av_opt_set_int(container->streams[i], "discard", DISCARD_ALL, 0);
    void *codec = avcodec_alloc_context3(decoder);
    avcodec_parameters_to_context(codec, ((Stream *)container->streams[chosen])->parameters);
    av_opt_set_int(codec, "threads", 1, 0);
    if (avcodec_open2(codec, decoder, NULL) < 0)
        return 3;
    int64_t total = decode(container, codec, chosen);
    avcodec_free_context(&codec);
    avformat_close_input(&container);
    printf("%lld %.6f\n", (long long)total, (double)clock() / CLOCKS_PER_SEC);
    return 0;
}
