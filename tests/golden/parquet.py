"""Small Parquet files for tests/parquet.test.ts, written by Apache Arrow (pip install pyarrow): one for each compression."""
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

N = 40
day = dt.date(2024, 1, 1)
table = pa.table({
    "day": pa.array([day + dt.timedelta(days=k) for k in range(N)]),
    "at": pa.array([dt.datetime(2024, 1, 1, 12, 30) + dt.timedelta(hours=k) for k in range(N)], pa.timestamp("us")),
    "load": pa.array([None if k == 3 else 100.5 + k for k in range(N)]),
    "count": pa.array([2**40 + k for k in range(N)], pa.int64()),
    "small": pa.array([k % 7 for k in range(N)], pa.int8()),
    "price": pa.array([k / 4 for k in range(N)], pa.float32()),
    "shop": pa.array(["Köln", "東京", None, ""][k % 4] for k in range(N)).dictionary_encode(),
    "open": pa.array([k % 3 == 0 for k in range(N)]),
    "tags": pa.array([["a", "b"][: k % 3] for k in range(N)]),
})
here = Path(__file__).parent
for codec in ["none", "snappy", "gzip", "brotli", "zstd"]:
    pq.write_table(table, here / f"table.{codec}.parquet", compression=codec, row_group_size=16)
nested = pa.table({"where": pa.array([{"x": 1, "y": 2}])})
pq.write_table(nested, here / "nested.parquet")
