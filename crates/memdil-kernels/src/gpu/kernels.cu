// The training step of a multilayer perceptron. The source is compiled at run time for the
// installed card; the tests run the same source on the CPU.
//
// Matrices are row-major. A row of `units` values has length `ld`, a multiple of 4, and is padded
// with zeros. Each kernel takes one structure, which must match its counterpart in arguments.rs.
// The order of every sum depends only on the sizes, so a step is reproducible bit for bit.

typedef unsigned int u32;
typedef unsigned char u8;

enum Activation { RELU = 0, SIGMOID = 1, NONE = 2 };
enum OptimizerKind { PLAIN = 0, MOMENTUM = 1, NESTEROV = 2, ADAM = 3 };
enum LossKind { SMOOTHED = 0, RELAXED = 1, SQUARED = 2, FOCAL = 3, GENERALIZED = 4, SYMMETRIC = 5, FORWARD = 6 };

// Constants that the host sets before an epoch.
struct Settings {
    double learning_rate, decay, classifier_decay, feature_decay;
    double momentum, beta1, beta2, epsilon;
    double loss_a, loss_b;
    u32 optimizer, decoupled, loss, unused;
};

// Constants of one step, for the classifier or for all other parameters.
struct Rule {
    float rate, coupled, kept, momentum;
    float beta1, beta2, rest1, rest2;
    float adam_rate, root, epsilon;
    u32 kind;
};

// State that is carried from step to step.
struct State {
    double total;     // sum of the loss over the samples of the epoch
    double failed;    // the loss that stopped the training
    u32 position;     // start of the next batch in the order
    u32 steps;        // number of steps so far, for Adam's bias correction
    u32 stopped;      // 1 after a loss that is not finite; later steps then change nothing
    u32 unused;
    Rule body, classifier;
};

// A trained tensor and its optimiser buffers.
struct Trained {
    float *value, *first, *second;
};

// The vectors of a layer, and the values of a batch that the backward pass needs.
struct Layer {
    Trained bias, scale, shift;
    float *running_mean, *running_var;
    float *mean, *variance;     // of the batch, without the bias
    float *normal, *output;     // (rows, ld)
    u32 units, ld, normed, activation;
};

struct Gather {
    const State *state;
    const u8 *bytes;
    const float *floats;        // used if bytes is null
    const u32 *order;
    const float *scale, *shift; // one per channel
    float *out;
    u32 samples, rows, values, copies, plane, ld;
};

struct Forward {
    const float *x, *weight;
    float *partial;
    u32 *arrived;
    Layer layer;
    u32 samples, inputs, ldx, rows_a_split;
};

struct Normalize {
    Layer layer;
    u32 samples, unused;
};

struct LossStep {
    const Settings *settings;
    State *state;
    const float *logits, *features;
    const double *transition;
    const u32 *labels, *order;
    float *delta;
    float *kept;                // logits of the epoch's samples in their order, (samples, classes)
    Trained bias;               // of the classifier; null if it is fixed
    u32 samples, rows, classes, ld, features_units, features_ld;
};

struct Backward {
    const Settings *settings;
    const State *state;
    const float *x, *delta;
    Trained weight;
    float *below;               // null at the first layer
    Layer layer;                // the layer below
    u32 samples, inputs, units, ld, ldx, top, fixed, unused;
};

struct NormalizeBackward {
    const Settings *settings;
    const State *state;
    float *delta;               // gradient of the outputs on entry, of the products on return
    float *bias, *scale, *shift; // gradients
    Layer layer;
    u32 samples, top;
};

struct Update {
    const State *state;
    Trained all;
    const float *gradient;
    unsigned long long body, count; // number of values before the classifier, and including its weights
};

#define INFINITE __longlong_as_double(0x7ff0000000000000LL)
#define EPSILON 1e-5f
#define RUNNING 0.1f

// ----------------------------------------------------------------------------------------- helpers

__device__ __forceinline__ float activate(float value, u32 activation) {
    if (activation == RELU) {
        // In this order of operands, NaN propagates.
        return value < 0.0f ? 0.0f : value;
    }
    return activation == SIGMOID ? 1.0f / (1.0f + expf(-value)) : value;
}

// Gradient of the input of the activation from the gradient of its output h.
__device__ __forceinline__ float activation_gradient(float gradient, float h, u32 activation) {
    if (activation == RELU) {
        return h > 0.0f ? gradient : 0.0f;
    }
    return activation == SIGMOID ? gradient * h * (1.0f - h) : gradient;
}

__device__ __forceinline__ void apply(const Rule &rule, float &p, float &first, float &second, float gradient) {
    float g = fmaf(rule.coupled, p, gradient);
    float kept = p * rule.kept;
    if (rule.kind == ADAM) {
        first = fmaf(rule.beta1, first, rule.rest1 * g);
        second = fmaf(rule.beta2, second, rule.rest2 * g * g);
        p = kept - rule.adam_rate * first / fmaf(sqrtf(second), rule.root, rule.epsilon);
    } else if (rule.kind == PLAIN) {
        p = kept - rule.rate * g;
    } else {
        first = fmaf(rule.momentum, first, g);
        p = kept - rule.rate * (rule.kind == NESTEROV ? fmaf(rule.momentum, first, g) : first);
    }
}

__device__ __forceinline__ void update_one(const Rule &rule, const Trained &t, size_t at, float gradient) {
    float p = t.value[at];
    float first = rule.kind != PLAIN ? t.first[at] : 0.0f;
    float second = rule.kind == ADAM ? t.second[at] : 0.0f;
    apply(rule, p, first, second, gradient);
    t.value[at] = p;
    if (rule.kind != PLAIN) t.first[at] = first;
    if (rule.kind == ADAM) t.second[at] = second;
}

// Four values of a trained tensor and its buffers, read early to hide the latency of memory.
struct Four {
    float4 value, first, second;
};

__device__ __forceinline__ Four read_four(const Rule &rule, const Trained &t, size_t at) {
    Four four = {};
    four.value = *(const float4 *)(t.value + at);
    if (rule.kind != PLAIN) four.first = *(const float4 *)(t.first + at);
    if (rule.kind == ADAM) four.second = *(const float4 *)(t.second + at);
    return four;
}

__device__ __forceinline__ void update_four(const Rule &rule, const Trained &t, size_t at, Four four, float4 gradient) {
    float4 &p = four.value, &first = four.first, &second = four.second;
    apply(rule, p.x, first.x, second.x, gradient.x);
    apply(rule, p.y, first.y, second.y, gradient.y);
    apply(rule, p.z, first.z, second.z, gradient.z);
    apply(rule, p.w, first.w, second.w, gradient.w);
    *(float4 *)(t.value + at) = p;
    if (rule.kind != PLAIN) *(float4 *)(t.first + at) = first;
    if (rule.kind == ADAM) *(float4 *)(t.second + at) = second;
}

// Updates the running statistics by a tenth of those of the batch. The mean of a unit is that of
// its products plus its bias.
__device__ __forceinline__ void update_running(const Layer &layer, u32 unit, u32 samples) {
    float n = (float)samples;
    float mean = layer.mean[unit] + layer.bias.value[unit];
    layer.running_mean[unit] = (1.0f - RUNNING) * layer.running_mean[unit] + RUNNING * mean;
    float unbiased = layer.variance[unit] * (n / (n - 1.0f));
    layer.running_var[unit] = (1.0f - RUNNING) * layer.running_var[unit] + RUNNING * unbiased;
}

// ----------------------------------------------------------------------------------------- samples

// Gathers and normalises the samples of a batch; rows beyond the samples become zero.
// grid: (values / 256, any), 256 threads
extern "C" __global__ void __launch_bounds__(256) gather(Gather a) {
    u32 value = blockIdx.x * 256 + threadIdx.x;
    if (value >= a.ld) return;
    for (u32 row = blockIdx.y; row < a.rows; row += gridDim.y) {
        float out = 0.0f;
        if (row < a.samples && value < a.values * a.copies) {
            u32 stored = value % a.values, channel = stored / a.plane;
            size_t at = (size_t)a.order[a.state->position + row] * a.values + stored;
            float pixel = a.bytes ? (float)a.bytes[at] : a.floats[at];
            // Rounded twice, as on the CPU.
            out = __fadd_rn(__fmul_rn(pixel, a.scale[channel]), a.shift[channel]);
        }
        a.out[(size_t)row * a.ld + value] = out;
    }
}

// ---------------------------------------------------------------------------------- narrow batches

// Products, normalisation and activation of a layer for at most N samples, in one pass over the
// weights.
//
// A block computes 64 units from one split of the inputs: 16 threads across the units (`side`) by
// 16 along the inputs (`deep`). The block of a stripe that finishes last adds the splits and
// normalises.
// grid: (units / 64, splits), 256 threads
template <int N> __device__ void forward_narrow(const Forward &a) {
    const int CHUNK = 128, PITCH = N + 4;
    __shared__ float4 memory[8 * 16 * 64 / 4];
    __shared__ u32 last;
    float *shared = (float *)memory;
    const u32 tid = threadIdx.x, side = tid % 16, deep = tid / 16, warp = tid / 32;
    const u32 stripe = blockIdx.x * 64, column = stripe + side * 4, ld = a.layer.ld;
    const bool active = column < ld;

    float sum[N][4];
#pragma unroll
    for (int b = 0; b < N; b++) sum[b][0] = sum[b][1] = sum[b][2] = sum[b][3] = 0.0f;

    const u32 begin = blockIdx.y * a.rows_a_split, end = min(begin + a.rows_a_split, a.inputs);
    for (u32 base = begin; base < end; base += CHUNK) {
        u32 count = min((u32)CHUNK, end - base);
        for (u32 i = tid; i < CHUNK * N; i += 256) {
            u32 k = i % CHUNK, b = i / CHUNK;
            shared[k * PITCH + b] = k < count ? a.x[(size_t)b * a.ldx + base + k] : 0.0f;
        }
        __syncthreads();
        if (active) {
#pragma unroll 4
            for (u32 k = deep; k < count; k += 16) {
                float4 w = *(const float4 *)(a.weight + (size_t)(base + k) * ld + column);
                const float4 *x = (const float4 *)(shared + k * PITCH);
#pragma unroll
                for (int q = 0; q < N / 4; q++) {
                    float4 four = x[q];
                    float each[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
                    for (int i = 0; i < 4; i++) {
                        sum[4 * q + i][0] = fmaf(each[i], w.x, sum[4 * q + i][0]);
                        sum[4 * q + i][1] = fmaf(each[i], w.y, sum[4 * q + i][1]);
                        sum[4 * q + i][2] = fmaf(each[i], w.z, sum[4 * q + i][2]);
                        sum[4 * q + i][3] = fmaf(each[i], w.w, sum[4 * q + i][3]);
                    }
                }
            }
        }
        __syncthreads();
    }

    // Adds the two halves of each warp, then the eight warps, 16 samples at a time.
#pragma unroll
    for (int half = 0; half < (N + 15) / 16; half++) {
#pragma unroll
        for (int i = 0; i < 16; i++) {
            const int b = half * 16 + i;
            if (b < N) {
#pragma unroll
                for (int c = 0; c < 4; c++) {
                    float both = sum[b][c] + __shfl_xor_sync(0xffffffffu, sum[b][c], 16);
                    if (tid % 32 < 16) shared[(warp * 16 + i) * 64 + side * 4 + c] = both;
                }
            }
        }
        __syncthreads();
        for (u32 o = tid; o < 16 * 64; o += 256) {
            u32 b = half * 16 + o / 64, unit = stripe + o % 64;
            if (b < N && unit < ld) {
                float total = 0.0f;
                for (u32 w = 0; w < 8; w++) total += shared[w * 1024 + o];
                a.partial[((size_t)blockIdx.y * N + b) * ld + unit] = total;
            }
        }
        __syncthreads();
    }

    __threadfence();
    __syncthreads();
    if (tid == 0) last = atomicAdd(&a.arrived[blockIdx.x], 1u) == gridDim.y - 1;
    __syncthreads();
    if (!last) return;
    if (tid == 0) a.arrived[blockIdx.x] = 0;
    __threadfence();

    // From here, the threads are 64 units by four groups of samples.
    const u32 unit = stripe + tid % 64, group = tid / 64;
    const bool here = unit < a.layer.units;
    const Layer &layer = a.layer;
    float value[N / 4];
    float mean = 0.0f, factor = 1.0f, shift = 0.0f;
#pragma unroll
    for (int i = 0; i < N / 4; i++) value[i] = 0.0f;
    if (here) {
        for (u32 s = 0; s < gridDim.y; s++) {
#pragma unroll
            for (int i = 0; i < N / 4; i++) {
                value[i] += __ldcg(a.partial + ((size_t)s * N + group * (N / 4) + i) * ld + unit);
            }
        }
    }
    float inverse = 1.0f;
    if (layer.normed) {
        float part = 0.0f, n = (float)a.samples;
#pragma unroll
        for (int i = 0; i < N / 4; i++) part += group * (N / 4) + i < a.samples ? value[i] : 0.0f;
        shared[tid] = part;
        __syncthreads();
        u32 at = tid % 64;
        mean = ((shared[at] + shared[64 + at]) + (shared[128 + at] + shared[192 + at])) / n;
        part = 0.0f;
#pragma unroll
        for (int i = 0; i < N / 4; i++) {
            float off = value[i] - mean;
            part = group * (N / 4) + i < a.samples ? fmaf(off, off, part) : part;
        }
        shared[256 + tid] = part;
        __syncthreads();
        const float *squares = shared + 256 + at;
        float variance = ((squares[0] + squares[64]) + (squares[128] + squares[192])) / n;
        inverse = 1.0f / sqrtf(variance + EPSILON);
        if (here) {
            factor = layer.scale.value[unit];
            shift = layer.shift.value[unit];
            if (group == 0) {
                layer.mean[unit] = mean;
                layer.variance[unit] = variance;
            }
        }
    } else if (here) {
        shift = layer.bias.value[unit];
    }
    if (unit < ld) {
#pragma unroll
        for (int i = 0; i < N / 4; i++) {
            u32 b = group * (N / 4) + i;
            bool real = here && b < a.samples;
            float normal = real ? (value[i] - mean) * inverse : 0.0f;
            size_t at = (size_t)b * ld + unit;
            if (layer.normed) layer.normal[at] = normal;
            layer.output[at] = real ? activate(fmaf(factor, normal, shift), layer.activation) : 0.0f;
        }
    }
}

extern "C" __global__ void __launch_bounds__(256) forward_16(Forward a) { forward_narrow<16>(a); }
extern "C" __global__ void __launch_bounds__(256) forward_32(Forward a) { forward_narrow<32>(a); }

// Reduces 2 S sums over the lanes of a warp; with S = 16, lane i ends with sum i in sum[0]. Each
// level halves the number of sums per lane.
template <int S> __device__ __forceinline__ void fold(float (&sum)[32], u32 lane) {
    const bool upper = lane & S;
#pragma unroll
    for (int i = 0; i < S; i++) {
        float given = upper ? sum[i] : sum[i + S], kept = upper ? sum[i + S] : sum[i];
        sum[i] = kept + __shfl_xor_sync(0xffffffffu, given, S);
    }
    if constexpr (S > 1) fold<S / 2>(sum, lane);
}

// The backward pass of a layer for at most N samples: the gradient of its input and the update of
// its weights, in one pass over the weights. The gradient of the weights is never stored.
//
// A warp processes 32 / N rows of the weights. They belong to 32 / N units of the layer below, so
// the warp can also backpropagate through the activation and normalisation of these units.
// grid: ldx / (8 * 32 / N), 256 threads
template <int N> __device__ void backward_narrow(const Backward &a) {
    const int R = 32 / N;
    if (a.state->stopped) return;
    const u32 lane = threadIdx.x % 32, base = (blockIdx.x * 8 + threadIdx.x / 32) * R, ld = a.ld;
    if (base >= a.ldx) return;
    const Rule rule = a.top ? a.state->classifier : a.state->body;

    // Each lane reads one pair of row and sample, and shares it with all lanes.
    const u32 row = base + lane / N, b = lane % N;
    const bool real = row < a.inputs && b < a.samples;
    const float h = real ? a.x[(size_t)b * a.ldx + row] : 0.0f;
    float x[32], sum[32];
#pragma unroll
    for (int i = 0; i < 32; i++) {
        x[i] = __shfl_sync(0xffffffffu, h, i);
        sum[i] = 0.0f;
    }
    for (u32 j = lane * 4; j < ld; j += 128) {
        Four w[R];
        float4 g[R];
#pragma unroll
        for (int r = 0; r < R; r++) {
            w[r] = {};
            g[r] = {0.0f, 0.0f, 0.0f, 0.0f};
            if (base + r < a.inputs) w[r] = read_four(rule, a.weight, (size_t)(base + r) * ld + j);
        }
#pragma unroll
        for (int s = 0; s < N; s++) {
            float4 d = __ldg((const float4 *)(a.delta + (size_t)s * ld + j));
#pragma unroll
            for (int r = 0; r < R; r++) {
                const float4 &p = w[r].value;
                sum[r * N + s] = fmaf(p.x, d.x, fmaf(p.y, d.y, fmaf(p.z, d.z, fmaf(p.w, d.w, sum[r * N + s]))));
                g[r].x = fmaf(x[r * N + s], d.x, g[r].x);
                g[r].y = fmaf(x[r * N + s], d.y, g[r].y);
                g[r].z = fmaf(x[r * N + s], d.z, g[r].z);
                g[r].w = fmaf(x[r * N + s], d.w, g[r].w);
            }
        }
#pragma unroll
        for (int r = 0; r < R; r++) {
            if (!a.fixed && base + r < a.inputs) update_four(rule, a.weight, (size_t)(base + r) * ld + j, w[r], g[r]);
        }
    }
    if (!a.below) return;

    fold<16>(sum, lane);
    const Layer &layer = a.layer;
    float g = sum[0];
    if (a.top) g = fmaf((float)(a.settings->feature_decay / a.samples), h, g);
    g = real ? activation_gradient(g, h, layer.activation) : 0.0f;
    float of_scale = 0.0f, of_shift = 0.0f;
    if (layer.normed) {
        u32 unit = min(row, a.inputs - 1);
        float normal = real ? layer.normal[(size_t)b * a.ldx + row] : 0.0f, n = (float)a.samples;
        of_scale = g * normal;
        of_shift = g;
#pragma unroll
        for (int s = N / 2; s > 0; s /= 2) {
            of_scale += __shfl_xor_sync(0xffffffffu, of_scale, s);
            of_shift += __shfl_xor_sync(0xffffffffu, of_shift, s);
        }
        float factor = layer.scale.value[unit] / sqrtf(layer.variance[unit] + EPSILON);
        g = real ? factor * (g - of_shift / n - normal * (of_scale / n)) : 0.0f;
    }
    float of_bias = g;
#pragma unroll
    for (int s = N / 2; s > 0; s /= 2) of_bias += __shfl_xor_sync(0xffffffffu, of_bias, s);
    __syncwarp();
    if (row < a.ldx) {
        a.below[(size_t)b * a.ldx + row] = g;
        if (b == 0 && row < a.inputs) {
            const Rule &body = a.state->body;
            if (layer.normed) {
                update_running(layer, row, a.samples);
                update_one(body, layer.scale, row, of_scale);
                update_one(body, layer.shift, row, of_shift);
            }
            update_one(body, layer.bias, row, of_bias);
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 2) backward_16(Backward a) { backward_narrow<16>(a); }
extern "C" __global__ void __launch_bounds__(256, 2) backward_32(Backward a) { backward_narrow<32>(a); }

// ------------------------------------------------------------------------------------ wide batches

// The sum per column over the threads of a block, arranged as 16 rows by 16 columns.
__device__ __forceinline__ float over_rows(float *shared, float part) {
    u32 column = threadIdx.x % 16, row = threadIdx.x / 16;
    __syncthreads();
    shared[row * 16 + column] = part;
    for (u32 half = 8; half > 0; half /= 2) {
        __syncthreads();
        if (row < half) shared[row * 16 + column] += shared[(row + half) * 16 + column];
    }
    __syncthreads();
    return shared[column];
}

// Batch normalisation and activation of the products, which are in `normal`.
// grid: units / 16, 256 threads
extern "C" __global__ void __launch_bounds__(256) normalize(Normalize a) {
    __shared__ float shared[256];
    const Layer &layer = a.layer;
    const u32 unit = blockIdx.x * 16 + threadIdx.x % 16, first = threadIdx.x / 16;
    const bool here = unit < layer.units;
    const float n = (float)a.samples;
    const float *z = layer.normal + unit;
    float part = 0.0f;
    for (u32 b = first; here && b < a.samples; b += 16) part += z[(size_t)b * layer.ld];
    const float mean = over_rows(shared, part) / n;
    part = 0.0f;
    for (u32 b = first; here && b < a.samples; b += 16) {
        float off = z[(size_t)b * layer.ld] - mean;
        part = fmaf(off, off, part);
    }
    const float variance = over_rows(shared, part) / n, inverse = 1.0f / sqrtf(variance + EPSILON);
    if (!here) return;
    if (first == 0) {
        layer.mean[unit] = mean;
        layer.variance[unit] = variance;
    }
    const float scale = layer.scale.value[unit], shift = layer.shift.value[unit];
    for (u32 b = first; b < a.samples; b += 16) {
        size_t at = (size_t)b * layer.ld + unit;
        float normal = (layer.normal[at] - mean) * inverse;
        layer.normal[at] = normal;
        layer.output[at] = activate(fmaf(scale, normal, shift), layer.activation);
    }
}

// Normalisation by the running statistics, or only the bias, and activation: from the products in
// `normal` to `output`.
// grid: any, 256 threads
extern "C" __global__ void __launch_bounds__(256) normalize_by_running(Normalize a) {
    const Layer &layer = a.layer;
    const size_t count = (size_t)a.samples * layer.ld;
    for (size_t at = (size_t)blockIdx.x * 256 + threadIdx.x; at < count; at += (size_t)gridDim.x * 256) {
        u32 unit = at % layer.ld;
        float value = 0.0f;
        if (unit < layer.units) {
            value = layer.normal[at] + layer.bias.value[unit];
            if (layer.normed) {
                float inverse = 1.0f / sqrtf(layer.running_var[unit] + EPSILON);
                float normal = (value - layer.running_mean[unit]) * inverse;
                value = fmaf(layer.scale.value[unit], normal, layer.shift.value[unit]);
            }
            value = activate(value, layer.activation);
        }
        layer.output[at] = value;
    }
}

// The backward pass of activation and batch normalisation: replaces the gradient of the outputs in
// `delta` by the gradient of the products.
// grid: units / 16, 256 threads
extern "C" __global__ void __launch_bounds__(256) normalize_backward(NormalizeBackward a) {
    __shared__ float shared[256];
    const Layer &layer = a.layer;
    if (a.state->stopped) return;
    const u32 unit = blockIdx.x * 16 + threadIdx.x % 16, first = threadIdx.x / 16;
    const bool here = unit < layer.units;
    const float n = (float)a.samples, decay = a.top ? (float)(a.settings->feature_decay / a.samples) : 0.0f;
    float of_scale = 0.0f, of_shift = 0.0f;
    for (u32 b = first; here && b < a.samples; b += 16) {
        size_t at = (size_t)b * layer.ld + unit;
        float h = layer.output[at];
        float g = activation_gradient(fmaf(decay, h, a.delta[at]), h, layer.activation);
        a.delta[at] = g;
        of_scale = layer.normed ? fmaf(g, layer.normal[at], of_scale) : 0.0f;
        of_shift += g;
    }
    of_scale = over_rows(shared, of_scale);
    of_shift = over_rows(shared, of_shift);
    float of_bias = of_shift;
    if (layer.normed) {
        of_bias = 0.0f;
        float factor = here ? layer.scale.value[unit] / sqrtf(layer.variance[unit] + EPSILON) : 0.0f;
        for (u32 b = first; here && b < a.samples; b += 16) {
            size_t at = (size_t)b * layer.ld + unit;
            float g = factor * (a.delta[at] - of_shift / n - layer.normal[at] * (of_scale / n));
            a.delta[at] = g;
            of_bias += g;
        }
        of_bias = over_rows(shared, of_bias);
    }
    if (here && first == 0) {
        a.bias[unit] = of_bias;
        if (layer.normed) {
            a.scale[unit] = of_scale;
            a.shift[unit] = of_shift;
            update_running(layer, unit, a.samples);
        }
    }
}

// Updates every parameter except the classifier's bias from their gradients.
// grid: (any, 2: parameters before the classifier, weights of the classifier), 256 threads
extern "C" __global__ void __launch_bounds__(256) update(Update a) {
    if (a.state->stopped) return;
    const Rule rule = blockIdx.y == 0 ? a.state->body : a.state->classifier;
    const size_t begin = blockIdx.y == 0 ? 0 : a.body, end = blockIdx.y == 0 ? a.body : a.count;
    for (size_t at = begin + ((size_t)blockIdx.x * 256 + threadIdx.x) * 4; at < end; at += (size_t)gridDim.x * 1024) {
        float4 gradient = *(const float4 *)(a.gradient + at);
        update_four(rule, a.all, at, read_four(rule, a.all, at), gradient);
    }
}

// -------------------------------------------------------------------------------------------- loss

struct Row {
    const float *z;
    u32 classes, label;
};

// log sum exp of the logits, with or without the label's.
__device__ double log_sum_exp(const Row &row, bool with_label) {
    double most = -INFINITE, sum = 0.0;
    for (u32 j = 0; j < row.classes; j++) {
        if (with_label || j != row.label) most = fmax(most, (double)row.z[j]);
    }
    for (u32 j = 0; j < row.classes; j++) {
        if (with_label || j != row.label) sum += exp((double)row.z[j] - most);
    }
    return most + log(sum);
}

// Returns the loss of a sample, and writes its gradient times `share` to `out`. The formulas are
// those of memdil-losses.
__device__ double loss_of(const Settings &s, const double *transition, const Row &row, float share, float *out) {
    const u32 K = row.classes, y = row.label;
    if (s.loss == SQUARED) {
        double value = 0.0;
        for (u32 j = 0; j < K; j++) {
            double error = (double)row.z[j] - (j == y ? 1.0 : 0.0);
            value += error * error;
            out[j] = (float)(2.0 * error / K) * share;
        }
        return value / K;
    }
    const double normaliser = log_sum_exp(row, true);
    if (s.loss == SMOOTHED) {
        double value = 0.0;
        for (u32 j = 0; j < K; j++) {
            double target = s.loss_a / K + (j == y ? 1.0 - s.loss_a : 0.0), off = (double)row.z[j] - normaliser;
            value -= target * off;
            out[j] = (float)(exp(off) - target) * share;
        }
        return value;
    }
    if (s.loss == FORWARD) {
        double most = -INFINITE, sum = 0.0;
        for (u32 i = 0; i < K; i++) most = fmax(most, (double)row.z[i] - normaliser + log(transition[i * K + y]));
        for (u32 i = 0; i < K; i++) sum += exp((double)row.z[i] - normaliser + log(transition[i * K + y]) - most);
        double of_label = most + log(sum);
        for (u32 i = 0; i < K; i++) {
            double off = (double)row.z[i] - normaliser;
            out[i] = (float)(exp(off) - exp(off + log(transition[i * K + y]) - of_label)) * share;
        }
        return -of_label;
    }
    const double others = log_sum_exp(row, false), log_rest = others - normaliser;
    if (s.loss == RELAXED) {
        const double log_p = (double)row.z[y] - normaliser, alpha = s.loss_a;
        if (log_p >= log1p(-alpha)) {
            for (u32 j = 0; j < K; j++) out[j] = 0.0f;
            return 0.0;
        }
        for (u32 j = 0; j < K; j++) {
            double target = j == y ? 1.0 - alpha : alpha * exp((double)row.z[j] - others);
            out[j] = (float)(exp((double)row.z[j] - normaliser) - target) * share;
        }
        return (1.0 - alpha) * (log1p(-alpha) - log_p) + alpha * (log(alpha) - log_rest);
    }
    // These losses depend only on the label's probability. Near 1 it is computed from the
    // probability of the other classes, which is more accurate.
    const double log_p = log_rest < -1.0 ? log1p(-exp(log_rest)) : (double)row.z[y] - normaliser;
    double value, slope;
    if (s.loss == FOCAL) {
        double weight = s.loss_a > 0.0 ? exp(s.loss_a * log_rest) : 1.0, rest = exp(log_rest);
        double ratio = rest < 1e-8 ? -1.0 - rest / 2.0 : log_p / rest;
        value = -weight * log_p;
        slope = weight * (s.loss_a * exp(log_p) * ratio - 1.0);
    } else if (s.loss == GENERALIZED) {
        value = -expm1(s.loss_a * log_p) / s.loss_a;
        slope = -exp(s.loss_a * log_p);
    } else {
        value = -s.loss_a * log_p + 4.0 * s.loss_b * exp(log_rest);
        slope = -s.loss_a - 4.0 * s.loss_b * exp(log_p);
    }
    for (u32 j = 0; j < K; j++) {
        out[j] = (float)(slope * (j == y ? exp(log_rest) : -exp((double)row.z[j] - normaliser))) * share;
    }
    return value;
}

__device__ double over_block(double *shared, double part) {
    __syncthreads();
    shared[threadIdx.x] = part;
    for (u32 half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] += shared[threadIdx.x + half];
    }
    __syncthreads();
    return shared[0];
}

__device__ Rule rule_of(const Settings &s, double decay, u32 step) {
    Rule rule;
    rule.rate = (float)s.learning_rate;
    rule.coupled = s.decoupled ? 0.0f : (float)decay;
    rule.kept = s.decoupled ? (float)(1.0 - s.learning_rate * decay) : 1.0f;
    rule.momentum = (float)s.momentum;
    rule.beta1 = (float)s.beta1;
    rule.beta2 = (float)s.beta2;
    rule.rest1 = (float)(1.0 - s.beta1);
    rule.rest2 = (float)(1.0 - s.beta2);
    rule.adam_rate = rule.root = 0.0f;
    if (s.optimizer == ADAM) {
        rule.adam_rate = (float)(s.learning_rate / (1.0 - pow(s.beta1, (double)step)));
        rule.root = (float)(1.0 / sqrt(1.0 - pow(s.beta2, (double)step)));
    }
    rule.epsilon = (float)s.epsilon;
    rule.kind = s.optimizer;
    return rule;
}

// Computes the loss of a batch and its gradient with respect to the logits, and updates the state
// and the classifier's bias.
// grid: one block, 256 threads
extern "C" __global__ void __launch_bounds__(256) loss_step(LossStep a) {
    __shared__ double shared[256];
    const Settings &settings = *a.settings;
    const u32 tid = threadIdx.x, position = a.state->position;
    const float share = 1.0f / (float)a.samples;
    double part = 0.0, penalty = 0.0;
    for (u32 b = tid; b < a.rows; b += 256) {
        float *out = a.delta + (size_t)b * a.ld;
        for (u32 j = b < a.samples ? a.classes : 0; j < a.ld; j++) out[j] = 0.0f;
        if (b < a.samples) {
            Row row = {a.logits + (size_t)b * a.ld, a.classes, a.labels[a.order[position + b]]};
            part += loss_of(settings, a.transition, row, share, out);
            for (u32 j = 0; j < a.classes; j++) {
                if (!isfinite(row.z[j])) part = row.z[j];
                a.kept[(size_t)(position + b) * a.classes + j] = row.z[j];
            }
        }
    }
    if (settings.feature_decay > 0.0) {
        for (u32 i = tid; i < a.samples * a.features_units; i += 256) {
            double h = a.features[(size_t)(i / a.features_units) * a.features_ld + i % a.features_units];
            penalty += h * h;
        }
    }
    const double n = a.samples;
    const double value = over_block(shared, part) / n
                       + over_block(shared, penalty) * (settings.feature_decay / (2.0 * n));
    const bool stops = a.state->stopped || !isfinite(value);
    __syncthreads();
    if (tid == 0) {
        State &state = *a.state;
        state.position = position + a.samples;
        if (!state.stopped && stops) {
            state.failed = value;
            state.stopped = 1;
        }
        if (!stops) {
            state.total += value * n;
            state.steps += 1;
            state.body = rule_of(settings, settings.decay, state.steps);
            state.classifier = rule_of(settings, settings.classifier_decay, state.steps);
        }
    }
    __syncthreads();
    if (stops || !a.bias.value) return;
    for (u32 j = tid / 32; j < a.classes; j += 8) {
        float sum = 0.0f;
        for (u32 b = tid % 32; b < a.samples; b += 32) sum += a.delta[(size_t)b * a.ld + j];
#pragma unroll
        for (int s = 16; s > 0; s /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, s);
        if (tid % 32 == 0) update_one(a.state->classifier, a.bias, j, sum);
    }
}

// --------------------------------------------------------------------------------- neural collapse

// Features (rows, ld) sorted by class and split into segments of one class each. Segment s consists
// of the positions bounds[s]..bounds[s + 1], and position p is row order[p] of the features.
struct Collapse {
    const float *features;
    const u32 *order, *bounds, *classes; // classes: of a segment
    const double *means;                 // (classes, columns)
    float *centred;                      // (positions, ld)
    double *sums;                        // (segments, columns), or one value per segment
    const float *products, *logits;      // (positions, products_ld), (rows, logits_ld)
    const double *distances;             // squared distances between the class means
    u32 columns, ld, products_ld, logits_ld, count, unused;
};

// Sums of a segment's rows.
// grid: (columns / 64, segments), 256 threads
extern "C" __global__ void __launch_bounds__(256) segment_sums(Collapse a) {
    __shared__ double shared[256];
    const u32 column = blockIdx.x * 64 + threadIdx.x % 64, first = threadIdx.x / 64;
    double sum = 0.0;
    if (column < a.columns) {
        for (u32 at = a.bounds[blockIdx.y] + first; at < a.bounds[blockIdx.y + 1]; at += 4) {
            sum += a.features[(size_t)a.order[at] * a.ld + column];
        }
    }
    shared[threadIdx.x] = sum;
    __syncthreads();
    if (first == 0 && column < a.columns) {
        const double *four = shared + threadIdx.x;
        a.sums[(size_t)blockIdx.y * a.columns + column] = (four[0] + four[64]) + (four[128] + four[192]);
    }
}

// Subtracts the class mean from the features, and sums the squares of the results per segment.
// grid: (1, segments), 256 threads
extern "C" __global__ void __launch_bounds__(256) center(Collapse a) {
    __shared__ double shared[256];
    const double *mean = a.means + (size_t)a.classes[blockIdx.y] * a.columns;
    const u32 begin = a.bounds[blockIdx.y], end = a.bounds[blockIdx.y + 1];
    double squares = 0.0;
    for (size_t i = threadIdx.x; i < (size_t)(end - begin) * a.ld; i += 256) {
        u32 at = begin + (u32)(i / a.ld), column = (u32)(i % a.ld);
        double off = 0.0;
        if (column < a.columns) off = (double)a.features[(size_t)a.order[at] * a.ld + column] - mean[column];
        a.centred[(size_t)at * a.ld + column] = (float)off;
        squares += off * off;
    }
    squares = over_block(shared, squares);
    if (threadIdx.x == 0) a.sums[blockIdx.y] = squares;
}

// The sum of the squares of a segment's products.
// grid: (1, segments), 256 threads
extern "C" __global__ void __launch_bounds__(256) square_sums(Collapse a) {
    __shared__ double shared[256];
    const u32 begin = a.bounds[blockIdx.y], end = a.bounds[blockIdx.y + 1];
    double squares = 0.0;
    for (size_t i = threadIdx.x; i < (size_t)(end - begin) * a.products_ld; i += 256) {
        double value = a.products[(size_t)begin * a.products_ld + i];
        squares += value * value;
    }
    squares = over_block(shared, squares);
    if (threadIdx.x == 0) a.sums[blockIdx.y] = squares;
}

// Counts the samples of a segment whose predicted class has the nearest class mean.
// grid: (1, segments), 256 threads
extern "C" __global__ void __launch_bounds__(256) agreements(Collapse a) {
    __shared__ double shared[256];
    const u32 K = a.count, own = a.classes[blockIdx.y];
    double agreeing = 0.0;
    for (u32 at = a.bounds[blockIdx.y] + threadIdx.x; at < a.bounds[blockIdx.y + 1]; at += 256) {
        const float *products = a.products + (size_t)at * a.products_ld;
        const float *logits = a.logits + (size_t)a.order[at] * a.logits_ld;
        u32 nearest = 0, predicted = 0;
        double least = 0.0;
        for (u32 k = 0; k < K; k++) {
            // Squared distance to mean k minus that to the mean of the segment's class: the squared
            // norm of the features cancels.
            double more = a.distances[own * K + k] - 2.0 * ((double)products[k] - (double)products[own]);
            if (k == 0 || more < least) {
                least = more;
                nearest = k;
            }
            if (logits[k] > logits[predicted]) predicted = k;
        }
        agreeing += nearest == predicted ? 1.0 : 0.0;
    }
    agreeing = over_block(shared, agreeing);
    if (threadIdx.x == 0) a.sums[blockIdx.y] = agreeing;
}
