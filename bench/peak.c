/* The machine's limits, on THREADS threads: peak THREADS fma | read BYTES | triad BYTES.
   Prints operations or bytes a second. Vectors are as wide as the compiler may use: -march=native. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TWELVE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define MORE(DO) DO(12) DO(13) DO(14) DO(15) DO(16) DO(17) DO(18) DO(19) DO(20) DO(21) DO(22) DO(23)

#if defined(__AVX512F__)
enum { WIDTH = 16, CHAINS = 24 };
#define EACH(DO) TWELVE(DO) MORE(DO)
#define REGISTER "+v"
#else
#if defined(__AVX__)
enum { WIDTH = 8, CHAINS = 12 };
#else
enum { WIDTH = 4, CHAINS = 12 };
#endif
#define EACH(DO) TWELVE(DO)
#if defined(__x86_64__)
#define REGISTER "+x"
#else
#define REGISTER "+w"
#endif
#endif
typedef float vector __attribute__((vector_size(4 * WIDTH)));

enum { MOST = 64 };
static pthread_barrier_t start_line;
static double rates[MOST];
static int threads;
static const char *kind;
static size_t bytes;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* As many chains of multiply-add as registers hold: enough to hide the latency of each. Their names are theirs
   alone, and an empty instruction holds each in its register, or two turns would become one. */
static double fma_rate(void)
{
    enum { TURNS = 10000000 };
    volatile float given = 0.5f;
    const vector a = given - (vector){0}, b = given - (vector){0};
#define BEGIN(i) vector c##i = a;
#define MULTIPLY(i) c##i = a * b + c##i;
#define HOLD(i) __asm__ volatile("" : REGISTER(c##i));
#define ADD(i) sum += c##i;
    EACH(BEGIN)
    const double start = now();
    for (long turn = 0; turn < TURNS; turn++) {
        EACH(MULTIPLY)
        EACH(HOLD)
    }
    const double seconds = now() - start;
    vector sum = a;
    EACH(ADD)
    given = sum[0];
    return 2.0 * WIDTH * CHAINS * TURNS / seconds;
}

static vector *filled(size_t count)
{
    vector *p = aligned_alloc(64, (count * sizeof(vector) + 63) / 64 * 64);
    for (size_t i = 0; i < count; i++)
        p[i] = (float)(i % 97) - (vector){0};
    return p;
}

static double read_rate(void)
{
    const size_t count = bytes / sizeof(vector) / 8 * 8;
    const vector *p = filled(count);
    const long turns = (long)(4e9 / (double)bytes) + 1;
    vector s0 = {0}, s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    const double start = now();
    for (long turn = 0; turn < turns; turn++) {
        for (size_t i = 0; i < count; i += 8) {
            s0 += p[i], s1 += p[i + 1], s2 += p[i + 2], s3 += p[i + 3];
            s4 += p[i + 4], s5 += p[i + 5], s6 += p[i + 6], s7 += p[i + 7];
        }
        __asm__ volatile("" ::: "memory");
    }
    const double seconds = now() - start;
    volatile float kept = (s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7)[0];
    (void)kept;
    return (double)(count * sizeof(vector)) * (double)turns / seconds;
}

/* a = b + s c over arrays that are `bytes` together: two reads and a write an element. McCalpin, STREAM. */
static double triad_rate(void)
{
    const size_t count = bytes / 3 / sizeof(vector);
    vector *a = filled(count), *b = filled(count), *c = filled(count);
    const vector s = 3.0f - (vector){0};
    const long turns = (long)(2e9 / (double)bytes) + 3;
    double best = 0;
    for (int attempt = 0; attempt < 5; attempt++) {
        const double start = now();
        for (long turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < count; i++)
                a[i] = b[i] + s * c[i];
            __asm__ volatile("" ::: "memory");
        }
        const double rate = 3.0 * (double)(count * sizeof(vector)) * (double)turns / (now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static void *run(void *place)
{
    pthread_barrier_wait(&start_line);
    const double rate = !strcmp(kind, "fma") ? fma_rate() : !strcmp(kind, "read") ? read_rate() : triad_rate();
    *(double *)place = rate;
    return NULL;
}

int main(int count, char **words)
{
    threads = count > 2 ? atoi(words[1]) : 0;
    if (threads < 1 || threads > MOST)
        return fprintf(stderr, "usage: peak THREADS fma | read BYTES | triad BYTES\n"), 2;
    kind = words[2];
    bytes = (count > 3 ? (size_t)atoll(words[3]) : 0) / (size_t)threads;
    pthread_t running[MOST];
    pthread_barrier_init(&start_line, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++)
        pthread_create(&running[i], NULL, run, &rates[i]);
    double total = 0;
    for (int i = 0; i < threads; i++) {
        pthread_join(running[i], NULL);
        total += rates[i];
    }
    printf("%.6g\n", total);
    return 0;
}
