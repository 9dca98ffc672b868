/* What one writes by hand to be fast: the sums of max(0, 1 - y·s) and of its slopes over samples, of
   a 2-16-16-1 network s, for BLOCK samples at once. Compiled with -DBLOCK=32, and -DTANH for tanh,
   whose slope is 1 - h² here. The rows of x are x0, x1, y and a weight: 1, or 0 for what only fills
   the last block; n is a multiple of BLOCK. out has the 337 slopes and the value. */
#include <math.h>
#include <string.h>

enum { IN = 2, WIDTH = 16, FIRST = WIDTH * (IN + 1), SECOND = WIDTH * (WIDTH + 1) };
enum { SLOPES = FIRST + SECOND + WIDTH + 1 };
typedef double Row[BLOCK] __attribute__((aligned(64)));

#define EACH for (int b = 0; b < BLOCK; b++)
#ifdef TANH
#define ACTIVE(z) tanh(z)
#define SLOPE(h) (1 - (h) * (h))
#else
#define ACTIVE(z) ((z) > 0 ? (z) : 0.0)
#define SLOPE(h) ((h) > 0 ? 1.0 : 0.0)
#endif

/* h = active(w · x + bias); a row of w is the weights of a neuron, then its bias */
static inline void forward(int inputs, const double *restrict w, const Row *restrict x,
                           Row *restrict h) {
    for (int j = 0; j < WIDTH; j++, w += inputs + 1) {
        Row z;
        EACH z[b] = w[inputs];
        for (int k = 0; k < inputs; k++) EACH z[b] += w[k] * x[k][b];
        EACH h[j][b] = ACTIVE(z[b]);
    }
}

/* slopes += those of a layer whose results have the responsibilities d; before += those of x */
static inline void backward(int inputs, const double *restrict w, const Row *restrict x,
                            const Row *restrict d, Row *restrict slopes, Row *restrict before) {
    for (int j = 0; j < WIDTH; j++, w += inputs + 1, slopes += inputs + 1) {
        EACH slopes[inputs][b] += d[j][b];
        for (int k = 0; k < inputs; k++) EACH {
            slopes[k][b] += d[j][b] * x[k][b];
            if (before) before[k][b] += d[j][b] * w[k];
        }
    }
}

void moons(const double *restrict x, const double *restrict p, double *restrict out, long n) {
    const double *second = p + FIRST, *third = second + SECOND;
    static __thread Row slopes[SLOPES + 1];
    Row *last = slopes + FIRST + SECOND, *value = slopes + SLOPES;
    memset(slopes, 0, sizeof slopes);
    for (long i = 0; i < n; i += BLOCK) {
        Row in[IN], h1[WIDTH], h2[WIDTH], d1[WIDTH], d2[WIDTH], s, d;
        const double *y = x + 2 * n + i, *weight = x + 3 * n + i;
        for (int k = 0; k < IN; k++) EACH in[k][b] = x[k * n + i + b];
        forward(IN, p, in, h1);
        forward(WIDTH, second, h1, h2);
        EACH s[b] = third[WIDTH];
        for (int k = 0; k < WIDTH; k++) EACH s[b] += third[k] * h2[k][b];
        EACH {
            double margin = 1 - y[b] * s[b];
            (*value)[b] += margin > 0 ? weight[b] * margin : 0.0;
            d[b] = margin > 0 ? -y[b] * weight[b] : 0.0;
        }
        for (int k = 0; k < WIDTH; k++) EACH last[k][b] += d[b] * h2[k][b];
        EACH last[WIDTH][b] += d[b];
        for (int j = 0; j < WIDTH; j++) EACH d2[j][b] = d[b] * third[j] * SLOPE(h2[j][b]);
        memset(d1, 0, sizeof d1);
        backward(WIDTH, second, h1, d2, slopes + FIRST, d1);
        for (int k = 0; k < WIDTH; k++) EACH d1[k][b] *= SLOPE(h1[k][b]);
        backward(IN, p, in, d1, slopes, 0);
    }
    for (int k = 0; k <= SLOPES; k++) {
        double total = 0;
        EACH total += slopes[k][b];
        out[k] = total;
    }
}
