/** The Python script of an exported folder that predicts a raw file, prepared as in training. */
import { lossOf } from '../losses';

/** What an exported task stores of how its files are read. */
export interface Preparation {
  task: string;
  preparation: unknown;
}

/** Tasks whose files the script can read. */
const known: readonly string[] = ['forecast', 'classify'];

/** `predict.py` by its name, for a task whose files it can read. */
export function predictScript({ task, preparation }: Preparation): Record<string, string> {
  if (!known.includes(task)) return {};
  const { loss } = preparation as { loss: string };
  const levels = lossOf(loss).repeated.level ?? [0.5];
  return { 'predict.py': `${HEAD}${JSON.stringify(levels)}${REST}` };
}

/** The script up to its LEVELS. */
const HEAD = `"""
Predicts a table with the model of model.py, prepared as in training by preparation.json. It needs PyTorch and nothing else.

    python3 predict.py FILE > predictions.csv

FILE is CSV, TSV, or JSON with one object per line, with the columns that the model was trained on; their names are in the
first row, unless it holds numbers only: then they are column1, column2 and so on. Dates must be in the form 2024-12-31
or 2024-12-31T12:30:00, or be numbers; a forecast is given by the number of steps after the last row.
"""

import csv
import io
import json
import re
import sys
import unicodedata
from datetime import datetime, timezone
from pathlib import Path

import torch

from model import HERE, Model, load

KIND = json.loads((HERE / "preparation.json").read_text("utf-8"))
TASK, NOTE = KIND["task"], KIND["preparation"]
READS = NOTE if TASK == "forecast" else NOTE["reads"]
GROUP = READS["group"]
WEIGHTS = load("weights.safetensors")
DTYPE = next(iter(WEIGHTS.values())).dtype
LEVELS = `;

const REST = `  # that are forecast of each value
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "."}


def rows_of(file):
    """The rows of a table by the names of its columns, and the separator of its cells."""
    text = Path(file).read_bytes().decode("utf-8-sig")
    if text.lstrip()[:1] == "{":
        objects = [json.loads(line) for line in text.split("\\n") if line.strip()]
        absent = {name: None for row in objects for name in row}
        return [{**absent, **row} for row in objects], None
    first = re.sub('"[^"]*"', "", text).split("\\n", 1)[0]
    separator = "\\t" if file.endswith(".tsv") else max(",\\t;|", key=first.count)
    cells = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    names = [name.strip() or f"column{k}" for k, name in enumerate(cells[0], start=1)]
    if all(point(name) is not None for name in names):
        names = [f"column{k + 1}" for k in range(len(names))]
    else:
        del cells[0]
    for row in cells:
        if len(row) != len(names):
            raise SystemExit(f"a row must have {len(names)} cells, got {row}")
    return [dict(zip(names, row)) for row in cells], separator


def cell(row, name):
    if name not in row:
        raise SystemExit(f"the file must have the column {name}, got {', '.join(row)}")
    return row[name]


def is_missing(value):
    return value is None or (isinstance(value, str) and value.strip().lower() in MISSING)


def point(text):
    """1234.5, 1.2e3 or 1,234.5; None if it is written otherwise."""
    if re.fullmatch(r"[+-]?((0|[1-9]\\d*)(\\.\\d*)?|\\.\\d+)([eE][+-]?\\d+)?", text):
        return float(text)
    return float(text.replace(",", "")) if re.fullmatch(r"[+-]?[1-9]\\d{0,2}(,\\d{3})+(\\.\\d*)?", text) else None


def comma(text):
    """1234,5 or 1.234,5; None if it is written otherwise."""
    written = re.fullmatch(r"[+-]?([1-9]\\d{0,2}(\\.\\d{3})+|0|[1-9]\\d*)(,\\d+)?", text)
    return float(text.replace(".", "").replace(",", ".")) if written else None


def numbers_of(rows, name, separator):
    """The numbers of a column, which are all written in one way; None for a missing one."""
    cells = [cell(row, name) for row in rows]
    texts = [value.strip() for value in cells if isinstance(value, str) and not is_missing(value)]
    commas = separator != "," and any("," in text for text in texts)
    forms = [comma, point] if commas else [point]
    form = next((form for form in forms if all(form(text) is not None for text in texts)), None)
    if form is None:
        wrong = next(text for text in texts if point(text) is None)
        raise SystemExit(f"column {name} must hold numbers, got {wrong!r}")
    return [None if is_missing(v) else form(v.strip()) if isinstance(v, str) else float(v) for v in cells]


def time_of(value):
    """What orders the rows: a number, or the seconds of a date, in UTC if it has no zone."""
    if not isinstance(value, str):
        return float(value)
    try:
        return float(value)
    except ValueError:
        try:
            date = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            raise SystemExit(f"dates must be like 2024-12-31, or numbers, got {value!r}") from None
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()


def filled(values, k):
    """A column without missing values."""
    how, mean = READS["missing"], READS["scales"][k]["mean"]
    known = [value for value in values if value is not None]
    if len(known) < len(values) and (how == "refuse" or (how == "previous" and not known)):
        raise SystemExit(f"column {READS['inputs'][k]}: every row must have a value")
    before, result = known[0] if known else mean, []
    for value in values:
        before = value if value is not None else mean if how == "mean" else before
        result.append(before)
    return result


def group_of(row):
    name = "" if GROUP is None else cell(row, GROUP)
    return "" if name is None else str(name)


def series_of(rows, separator):
    """The columns of each series, in the order of time."""
    columns = [numbers_of(rows, name, separator) for name in READS["inputs"]]
    groups = {}
    for k, row in enumerate(rows):
        groups.setdefault(group_of(row), []).append(k)
    for name, own in groups.items():
        if READS["date"] is not None:
            own = sorted(own, key=lambda k: time_of(cell(rows[k], READS["date"])))
        yield name, [filled([values[k] for k in own], d) for d, values in enumerate(columns)]


def forecasts(model, rows, separator):
    """The steps after the last one of each series: the last value, and the change that the network puts out."""
    T, H, targets = NOTE["window"], NOTE["horizon"], NOTE["targets"]
    named = [name if q == 0.5 else f"{name} {100 * q:g} %" for name in targets for q in LEVELS]
    yield ([] if GROUP is None else [GROUP]) + ["step"] + named
    for name, columns in series_of(rows, separator):
        if len(columns[0]) < T:
            raise SystemExit(f"a series must have at least {T} rows, got {len(columns[0])}")
        x = torch.zeros(T, 1, len(columns), dtype=torch.float64)
        for d, (values, scale) in enumerate(zip(columns, NOTE["scales"])):
            mean = values[-1] if NOTE["relative"][d] else scale["mean"]
            x[:, 0, d] = (torch.tensor(values[-T:], dtype=torch.float64) - mean) / scale["deviation"]
        y = model(x.to(DTYPE))[0][0].double().reshape(len(targets), H, len(LEVELS))
        for h in range(H):
            values = [columns[k][-1] + y[k, h] * NOTE["movements"][k][h] for k in range(len(targets))]
            yield ([] if GROUP is None else [name]) + [h + 1] + [value.item() for value in torch.cat(values)]


def symbols_of(text, kind):
    """Characters, or words in lower case: runs of letters and digits, and each other character on its own."""
    if isinstance(text, list):
        return [str(item) for item in text]
    if kind == "characters":
        return list(text)
    words, inside = [], False
    for character in text.lower():
        part = unicodedata.category(character)[0] in "LMN" or character in "'’"
        if part and inside:
            words[-1] += character
        elif not character.isspace():
            words.append(character)
        inside = part
    return words


def labels(model, rows, separator):
    """The likeliest label of each sequence, and its probability."""
    reads, most = NOTE["reads"], NOTE["longest"]
    yield [GROUP if reads["kind"] == "series" else "row", NOTE["label"], "probability"]
    for name, x in sequences(rows, separator, reads, most):
        p = model(x)[0][0].softmax(-1)
        yield [name, NOTE["labels"][p.argmax()], p.max().item()]


def sequences(rows, separator, reads, most):
    if reads["kind"] == "series":
        for name, columns in series_of(rows, separator):
            scales = reads["scales"]
            scaled = [[(v - s["mean"]) / s["deviation"] for v in values] for values, s in zip(columns, scales)]
            yield name, torch.tensor(scaled, dtype=torch.float64).T[:most, None].to(DTYPE)
        return
    places = {symbol: k for k, symbol in enumerate(reads["known"], start=1)}
    for k, row in enumerate(rows):
        symbols = symbols_of(cell(row, reads["column"]) or "", reads["tokens"])[:most]
        if not symbols:
            raise SystemExit(f"row {k + 1} must hold a sequence")
        yield k + 1, torch.tensor([[places.get(symbol, 0)] for symbol in symbols])


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    model = Model().to(DTYPE).eval()
    model.load_state_dict({k: v for k, v in WEIGHTS.items() if not k.startswith(("optim.", "state."))})
    predict = forecasts if TASK == "forecast" else labels
    with torch.no_grad():
        csv.writer(sys.stdout, lineterminator="\\n").writerows(predict(model, *rows_of(sys.argv[1])))


if __name__ == "__main__":
    main()
`;
