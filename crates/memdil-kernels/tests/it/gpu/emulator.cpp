// Runs CUDA C on the CPU: blocks in sequence, and the threads of a block as fibers that switch at
// every barrier.
//
// Includes kernels.cu, whose path is the macro KERNELS.

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static

struct float4 {
    float x, y, z, w;
};
struct Index {
    unsigned x, y, z;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

enum Wait { RUNNABLE, AT_BLOCK, AT_WARP, DONE };

// A fiber is started with setcontext and switched with _setjmp and _longjmp, because swapcontext
// makes two system calls per switch. Fibers are reused for later blocks.
struct Fiber {
    ucontext_t context;
    jmp_buf state;
    std::vector<char> stack;
    Wait wait;
};

static std::vector<Fiber> fibers;
static jmp_buf scheduler;
static unsigned current;
static uint32_t exchanged[1024];
static void (*entry)(void *);
static void *entry_argument;

__attribute__((noinline)) static void yield(Wait wait) {
    fibers[current].wait = wait;
    if (!_setjmp(fibers[current].state)) _longjmp(scheduler, 1);
}

static void __syncthreads() { yield(AT_BLOCK); }
static void __syncwarp() { yield(AT_WARP); }
static void __threadfence() {}

template <class T> static T exchange(T value, unsigned from) {
    static_assert(sizeof(T) == 4, "values of four bytes");
    unsigned self = current;
    std::memcpy(&exchanged[self], &value, 4);
    yield(AT_WARP);
    T other;
    std::memcpy(&other, &exchanged[self / 32 * 32 + from], 4);
    yield(AT_WARP);
    return other;
}
template <class T> static T __shfl_sync(unsigned, T value, unsigned lane) { return exchange(value, lane % 32); }
template <class T> static T __shfl_xor_sync(unsigned, T value, unsigned mask) {
    return exchange(value, (current % 32) ^ mask);
}

static unsigned atomicAdd(unsigned *at, unsigned value) {
    unsigned before = *at;
    *at += value;
    return before;
}
template <class T> static T __ldg(const T *at) { return *at; }
template <class T> static T __ldcg(const T *at) { return *at; }
static float __fmul_rn(float a, float b) { return a * b; }
static float __fadd_rn(float a, float b) { return a + b; }
static double __longlong_as_double(long long bits) {
    double value;
    std::memcpy(&value, &bits, 8);
    return value;
}
static unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
using std::isfinite;

#include KERNELS

static void body() {
    for (;;) {
        entry(entry_argument);
        yield(DONE);
    }
}

static void resume(unsigned thread) {
    current = thread;
    threadIdx = {thread, 0, 0};
    Fiber &fiber = fibers[thread];
    if (_setjmp(scheduler)) return;
    if (!fiber.stack.empty()) _longjmp(fiber.state, 1);
    fiber.stack.resize(1 << 16);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.data();
    fiber.context.uc_stack.ss_size = fiber.stack.size();
    makecontext(&fiber.context, body, 0);
    setcontext(&fiber.context);
}

static int run_block(unsigned threads) {
    for (unsigned t = 0; t < threads; t++) fibers[t].wait = RUNNABLE;
    for (;;) {
        bool moved = false;
        for (unsigned t = 0; t < threads; t++) {
            if (fibers[t].wait != RUNNABLE) continue;
            moved = true;
            resume(t);
        }
        if (moved) continue;
        unsigned done = 0, at_block = 0;
        for (unsigned t = 0; t < threads; t++) {
            done += fibers[t].wait == DONE;
            at_block += fibers[t].wait == AT_BLOCK;
        }
        if (done == threads) return 0;
        if (done + at_block == threads) {
            for (unsigned t = 0; t < threads; t++) {
                if (fibers[t].wait == AT_BLOCK) fibers[t].wait = RUNNABLE;
            }
            continue;
        }
        bool released = false;
        for (unsigned warp = 0; warp < threads; warp += 32) {
            unsigned end = std::min(warp + 32, threads), at_warp = 0;
            for (unsigned t = warp; t < end; t++) at_warp += fibers[t].wait == AT_WARP;
            if (at_warp != end - warp) continue;
            for (unsigned t = warp; t < end; t++) fibers[t].wait = RUNNABLE;
            released = true;
        }
        // Deadlock: the threads of a warp wait at different barriers.
        if (!released) return 2;
    }
}

#define KERNEL(name, Argument) {#name, [](void *a) { name(*(const Argument *)a); }, sizeof(Argument)}
static const struct {
    const char *name;
    void (*call)(void *);
    size_t size;
} table[] = {
    KERNEL(gather, Gather),
    KERNEL(forward_16, Forward),
    KERNEL(forward_32, Forward),
    KERNEL(backward_16, Backward),
    KERNEL(backward_32, Backward),
    KERNEL(normalize, Normalize),
    KERNEL(normalize_by_running, Normalize),
    KERNEL(normalize_backward, NormalizeBackward),
    KERNEL(update, Update),
    KERNEL(loss_step, LossStep),
    KERNEL(segment_sums, Collapse),
    KERNEL(center, Collapse),
    KERNEL(square_sums, Collapse),
    KERNEL(agreements, Collapse),
};

// Returns 0 on success, 1 for an unknown kernel, 2 for a deadlock, 3 for a wrong argument size.
extern "C" int launch(const char *name, unsigned x, unsigned y, unsigned threads, void *argument, size_t size) {
    for (const auto &kernel : table) {
        if (std::strcmp(kernel.name, name)) continue;
        if (kernel.size != size) return 3;
        entry = kernel.call;
        entry_argument = argument;
        if (fibers.size() < threads) fibers.resize(threads);
        gridDim = {x, y, 1};
        blockDim = {threads, 1, 1};
        for (unsigned by = 0; by < y; by++) {
            for (unsigned bx = 0; bx < x; bx++) {
                blockIdx = {bx, by, 0};
                if (int failed = run_block(threads)) {
                    fibers.clear();
                    return failed;
                }
            }
        }
        return 0;
    }
    return 1;
}
