/* A vanilla recurrent network in C, forward and backward, that answers `backstep referee --cell elman -- ./elman`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define EACH(k, n) for (int k = 0; k < (n); k++)
static double *zeros(int n) { return calloc(n, sizeof(double)); }

/* The numbers of a list, nested or not, that follows a key; it is looked for from `from` on. */
static double *numbers(const char *from, const char *key, int n) {
    double *list = zeros(n);
    char *at = strstr(from, key);
    at = at ? at + strlen(key) : (exit(1), at);
    EACH(k, n) list[k] = strtod(at + strspn(at, "[], "), &at);
    return list;
}

/* Writes a tensor [T, R, C] under a name, with as many levels of lists as it has axes. */
static void print(const char *name, const double *v, int axes, int T, int R, int C) {
    printf("%s:%s", name, axes == 3 ? "[[" : axes == 2 ? "[" : "");
    EACH(t, T) EACH(r, R) EACH(c, C)
        printf("%s%.17g", c ? "," : r ? "],[" : t ? "]],[[" : "[", *v++);
    fputs(axes == 3 ? "]]]" : axes == 2 ? "]]" : "]", stdout);
}

static void answer(const char *q) {
    int T = *numbers(q, "\"T\":", 1), B = *numbers(q, "\"B\":", 1), n;
    int D = *numbers(q, "\"D\":", 1), H = *numbers(q, "\"H\":", 1);
    double *Wx = numbers(q, "\"Wx\":", D * H), *Wh = numbers(q, "\"Wh\":", H * H), *b = numbers(q, "\"b\":", H);
    double *x = numbers(q, "\"x\":", T * B * D), *length = numbers(q, "\"lengths\":", B), *h = zeros((T + 1) * B * H);
    double *dOut = numbers(q, "\"dOutput\":", T * B * H), *dh = numbers(strstr(q, "\"dFinal\":"), "\"h\":", B * H);
    double *dx = zeros(T * B * D), *dWx = zeros(D * H), *dWh = zeros(H * H), *db = zeros(H), *dhPrev = zeros(H);
    memcpy(h, numbers(strstr(q, "\"initial\":"), "\"h\":", B * H), B * H * sizeof *h);
    EACH(t, T) EACH(r, B) EACH(j, H) {
        double *hPrev = h + (t * B + r) * H, *xt = x + (t * B + r) * D, z = b[j];
        EACH(d, D) z += xt[d] * Wx[d * H + j];
        EACH(i, H) z += hPrev[i] * Wh[i * H + j];
        hPrev[B * H + j] = t < length[r] ? tanh(z) : hPrev[j]; /* a row that has ended keeps its state */
    }
    for (int t = T - 1; t >= 0; t--) EACH(r, B) if (t < length[r]) {
        double *hPrev = h + (n = t * B + r) * H, *hNow = hPrev + B * H, *xt = x + n * D;
        memset(dhPrev, 0, H * sizeof *dhPrev);
        EACH(j, H) {
            double dz = (dh[r * H + j] + dOut[n * H + j]) * (1 - hNow[j] * hNow[j]);
            EACH(d, D) dx[n * D + d] += dz * Wx[d * H + j], dWx[d * H + j] += xt[d] * dz;
            EACH(i, H) dhPrev[i] += dz * Wh[i * H + j], dWh[i * H + j] += hPrev[i] * dz;
            db[j] += dz;
        }
        memcpy(dh + r * H, dhPrev, H * sizeof *dh);
    }
    printf("{\"id\":%g,", *numbers(q, "\"id\":", 1));
    print("\"output\"", h + B * H, 3, T, B, H), print(",\"final\":{\"h\"", h + T * B * H, 2, 1, B, H);
    print("},\"gradients\":{\"dx\"", dx, 3, T, B, D), print(",\"dWx\"", dWx, 2, 1, D, H);
    print(",\"dWh\"", dWh, 2, 1, H, H), print(",\"db\"", db, 1, 1, 1, H), print(",\"dh0\"", dh, 2, 1, B, H);
    puts("}}"), fflush(stdout);
}

int main(void) {
    for (struct { char *text; size_t size; } line = {0}; getline(&line.text, &line.size, stdin) > 0;) answer(line.text);
}
