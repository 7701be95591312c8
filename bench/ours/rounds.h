/* A contestant in C speaks as those in Python do (bench/peers/serving.py): one JSON line when it is ready, then,
   for every line SECONDS on stdin, one with the median and the range of samples of at least 10 ms. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

enum { MOST_SAMPLES = 1 << 16, LEAST_SAMPLES = 5 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Written once, so that no page is the shared page of zeros. From 4 MB on in large pages where there are such, as
   NumPy asks for its arrays and so for the workspaces that the runtime makes. */
static void *room(size_t bytes)
{
    const size_t large = (size_t)1 << 21;
    void *p = NULL;
    if (posix_memalign(&p, bytes < 2 * large ? 64 : large, bytes ? bytes : 64))
        fail("no memory");
#ifdef MADV_HUGEPAGE
    if (bytes >= 2 * large)
        madvise(p, bytes, MADV_HUGEPAGE);
#endif
    memset(p, 1, bytes);
    memset(p, 0, bytes);
    return p;
}

static void *from_file(FILE *file, size_t bytes)
{
    void *p = room(bytes);
    if (fread(p, 1, bytes, file) != bytes)
        fail("the data file is too short");
    return p;
}

static void *loaded(const char *path, const char *function)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library)
        fail(dlerror());
    void *found = dlsym(library, function);
    if (!found)
        fail(function);
    return found;
}

static void ready(const double checks[2], double load_s, double first_step_s, size_t workspace_bytes)
{
    printf("{\"checks\": [%.9g, %.9g], \"load_s\": %.9g, \"first_step_s\": %.9g, \"workspace_bytes\": %zu}\n",
           checks[0], checks[1], load_s, first_step_s, workspace_bytes);
    fflush(stdout);
}

/* The most memory held since this program began; getrusage would count its parent's before exec. */
static long long peak_bytes(void)
{
    long long kilobytes = -1;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        sscanf(line, "VmHWM: %lld kB", &kilobytes);
    if (status) {
        fclose(status);
        return 1024 * kilobytes;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sample(void (*steps)(long), long count)
{
    const double start = now();
    steps(count);
    return (now() - start) / (double)count;
}

static void measure(void (*steps)(long), double seconds)
{
    static double samples[MOST_SAMPLES];
    long count = 1;
    while (sample(steps, count) * (double)count < 0.01)
        count *= 2;
    const double end = now() + seconds;
    int taken = 0;
    while ((now() < end || taken < LEAST_SAMPLES) && taken < MOST_SAMPLES)
        samples[taken++] = sample(steps, count);
    qsort(samples, (size_t)taken, sizeof *samples, ascending);

    const double median = (samples[(taken - 1) / 2] + samples[taken / 2]) / 2;
    printf("{\"median_s\": %.9g, \"min_s\": %.9g, \"max_s\": %.9g, \"samples\": %d, \"steps\": %ld, \"rss_bytes\": %lld}\n",
           median, samples[0], samples[taken - 1], taken, count, peak_bytes());
    fflush(stdout);
}

static int serve(void (*steps)(long))
{
    char line[64];
    while (fgets(line, sizeof line, stdin))
        measure(steps, atof(line));
    return 0;
}
#endif
