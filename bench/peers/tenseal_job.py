"""The job of bench/job.cpp with TenSEAL: BFV context and keys, encrypt 1,000 integers in 100..5000, sum, decrypt.

One process, one thread; prints the same JSON. `total_ms` is without Python's start and without the import, which is `import_ms`.
The parameters are TenSEAL's own usual ones for BFV with Galois keys: N = 8192 and a batching plain modulus that holds the sum.
"""
import json
import random
import time

start = time.perf_counter()
import tenseal  # noqa: E402

imported = time.perf_counter()
PLAIN_MODULUS = 16580609  # prime, 24 bits, 1 modulo 2 * 8192
generator = random.Random(42)
values = [generator.randint(100, 5000) for _ in range(1000)]
context = tenseal.context(tenseal.SCHEME_TYPE.BFV, poly_modulus_degree=8192, plain_modulus=PLAIN_MODULUS, n_threads=1)
context.generate_galois_keys()
keys = time.perf_counter()
vector = tenseal.bfv_vector(context, values)
sealed = time.perf_counter()
total = vector.sum()
asked = time.perf_counter()
opened = total.decrypt()[0]
done = time.perf_counter()
right = opened == sum(values)


def ms(begin, end):
    return round(1e3 * (end - begin), 3)


print(json.dumps({"import_ms": ms(start, imported), "keys_ms": ms(imported, keys), "seal_ms": ms(keys, sealed), "query_ms": ms(sealed, asked),
                  "open_ms": ms(asked, done), "total_ms": ms(imported, done), "right": right}))
raise SystemExit(0 if right else 1)
