/** The parts of an exported `predict.py` that differ between tasks: how a file is read, and what is predicted for it. */

/** Reads rows of tables, numbers and symbols. */
export const READ_TABLES = `
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "."}


def rows_of(file):
    """The rows of a table by the names of its columns, and the separator of its cells."""
    text = text_of(file)
    if text.lstrip()[:1] in ("{", "["):
        if text.lstrip()[0] == "[":
            objects = json_of(text, file)
        else:
            lines = enumerate(text.split("\\n"), start=1)
            objects = [json_of(line, f"line {k} of {file}") for k, line in lines if line.strip()]
        wrong = next((one for one in objects if not isinstance(one, dict)), None)
        if wrong is not None:
            raise SystemExit(f"{file} must hold objects, got {str(wrong)[:60]}")
        absent = {name: None for row in objects for name in row}
        return [{**absent, **row} for row in objects], None
    first = re.sub('"[^"]*"', "", text).split("\\n", 1)[0]
    usual, known = FORMAT.get("separator"), FORMAT.get("names") or []
    if file.endswith(".tsv"):
        separator = "\\t"
    elif usual and (usual in first or len(known) == 1):
        separator = usual
    else:
        separator = max((usual or ",") + "\\t;,|", key=first.count)
    cells = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    names = [name.strip() or f"column{k}" for k, name in enumerate(cells[0], start=1)]
    header = FORMAT.get("header")
    if header is False or (header is None and all(point(name) is not None for name in names)):
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
    """The numbers of a column, written as in training, or else all in one way; None for a missing one."""
    cells = [cell(row, name) for row in rows]
    texts = [value.strip() for value in cells if isinstance(value, str) and not is_missing(value)]
    commas = separator != "," and any("," in text for text in texts)
    told = {"comma": [comma], "point": [point]}.get(FORMAT["kinds"].get(name))
    forms = told or ([comma, point] if commas else [point])
    form = next((form for form in forms if all(form(text) is not None for text in texts)), None)
    if form is None:
        wrong = next(text for text in texts if forms[-1](text) is None)
        how = f" with a decimal {FORMAT['kinds'][name]}, as in training" if told else ""
        raise SystemExit(f"column {name} must hold numbers{how}, got {wrong!r}")
    return [None if is_missing(v) else form(v.strip()) if isinstance(v, str) else float(v) for v in cells]


def symbols_of(text, kind):
    """Characters, or words in lower case: runs of letters and digits, and each other character on its own."""
    if isinstance(text, list):
        return [symbol(item) for item in text]
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


def sequence_of(row, k, name):
    """The symbols of a row, at least one."""
    symbols = symbols_of(cell(row, name) or "", NOTE["tokens"])[: NOTE["longest"]]
    if not symbols:
        raise SystemExit(f"row {k} must hold a sequence in the column {name}")
    return symbols


def numbered(symbols, known):
    """Class numbers [T, 1] of symbols; 0 is an unknown one."""
    places = {symbol: k for k, symbol in enumerate(known, start=1)}
    return torch.tensor([[places.get(symbol, 0)] for symbol in symbols])
`;

/** Reads series of numbers. */
const READ_SERIES = `

def iso_of(text, how):
    """A date whose parts are in the order of training, such as day.month.year, in the form 2024-12-31."""
    order = re.split("[./-]", how)
    digits = [r"(\\d{4})" if part == "year" else r"(\\d\\d?)" for part in order]
    sign = "[/-]" if "/" in how else re.escape(how[len(order[0])])
    parts = re.fullmatch(sign.join(digits) + "([T ].*)?", text)
    if not parts:
        raise ValueError
    named = {"day": 1, **dict(zip(order, map(int, parts.groups())))}
    return f"{named['year']:04}-{named['month']:02}-{named['day']:02}{parts[len(order) + 1] or ''}"


def time_of(value):
    """What orders the rows: a number, or the seconds of a date, in UTC if it has no zone."""
    if not isinstance(value, str):
        return float(value)
    how = FORMAT["kinds"].get(READS["date"]) or ""
    form = {"comma": comma, "point": point}.get(how, point)(value.strip())
    if form is not None:
        return form
    ordered = re.search("[./-]", how)
    try:
        text = iso_of(value.strip(), how) if ordered else value.strip()
        date = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        like = how if ordered else "2024-12-31"
        raise SystemExit(f"dates must be like {like}, or numbers, got {value!r}") from None
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
    """The columns of each series, and its times, in the order of time."""
    columns = [numbers_of(rows, name, separator) for name in READS["inputs"]]
    groups = {}
    for k, row in enumerate(rows):
        groups.setdefault(group_of(row), []).append(k)
    for name, own in groups.items():
        times = own
        if READS["date"] is not None:
            own = sorted(own, key=lambda k: time_of(cell(rows[k], READS["date"])))
            times = [time_of(cell(rows[k], READS["date"])) for k in own]
        yield name, [filled([values[k] for k in own], d) for d, values in enumerate(columns)], times
`;

const FORECAST = `
READS = NOTE
GROUP = READS["group"]
LEVELS = @LEVELS  # that are forecast of each value
${READ_SERIES}

def part_of(circle, seconds):
    """The part of a year, a week or a day that has passed."""
    if circle == "day":
        return seconds % 86400 / 86400
    if circle == "week":
        return (seconds + 3 * 86400) % (7 * 86400) / (7 * 86400)
    year = datetime.fromtimestamp(seconds, timezone.utc).year
    begin, end = (datetime(y, 1, 1, tzinfo=timezone.utc).timestamp() for y in (year, year + 1))
    return (seconds - begin) / (end - begin)


def predictions(model, file):
    """The steps after the last one of each series: the last value, and the change that the network puts out."""
    T, H, targets = NOTE["window"], NOTE["horizon"], NOTE["targets"]
    named = [name if q == 0.5 else f"{name} {100 * q:g} %" for name in targets for q in LEVELS]
    yield ([] if GROUP is None else [GROUP]) + ["step"] + named
    for name, columns, times in series_of(*rows_of(file)):
        if len(columns[0]) < T:
            raise SystemExit(f"a series must have at least {T} rows, got {len(columns[0])}")
        for circle in NOTE["dates"]:
            angles = [2 * math.pi * part_of(circle, time) for time in times]
            columns = columns + [[math.sin(a) for a in angles], [math.cos(a) for a in angles]]
        x = torch.zeros(T, 1, len(columns), dtype=torch.float64)
        for d, (values, scale) in enumerate(zip(columns, NOTE["scales"])):
            mean = values[-1] if NOTE["relative"][d] else scale["mean"]
            x[:, 0, d] = (torch.tensor(values[-T:], dtype=torch.float64) - mean) / scale["deviation"]
        y = model(x.to(DTYPE))[0][0].double().reshape(len(targets), H, len(LEVELS))
        for h in range(H):
            values = [columns[k][-1] + y[k, h] * NOTE["movements"][k][h] for k in range(len(targets))]
            yield ([] if GROUP is None else [name]) + [h + 1] + [value.item() for value in torch.cat(values)]
`;

const CLASSIFY = `
READS = NOTE["reads"]
GROUP = READS["group"]
${READ_SERIES}

def predictions(model, file):
    """The likeliest label of each sequence, and its probability."""
    yield [GROUP if READS["kind"] == "series" else "row", NOTE["label"], "probability"]
    for name, x in sequences(*rows_of(file)):
        p = model(x)[0][0].softmax(-1)
        yield [name, NOTE["labels"][p.argmax()], p.max().item()]


def sequences(rows, separator):
    if READS["kind"] == "series":
        for name, columns, _ in series_of(rows, separator):
            scaled = [[(v - s["mean"]) / s["deviation"] for v in values] for values, s in zip(columns, READS["scales"])]
            yield name, torch.tensor(scaled, dtype=torch.float64).T[: NOTE["longest"], None].to(DTYPE)
        return
    NOTE["tokens"] = READS["tokens"]
    for k, row in enumerate(rows, start=1):
        yield k, numbered(sequence_of(row, k, READS["column"]), READS["known"])
`;

const TAG = `

def sentences_of(file):
    """The tokens of each sentence, from CoNLL columns or from JSON."""
    text = text_of(file)
    if text.lstrip()[0] in "[{":
        for row in rows_of(file)[0]:
            yield [symbol(item) for item in cell(row, NOTE["tokens"]) or []]
        return
    lines, tokens = re.split("\\r?\\n", text), []
    universal = file.lower().endswith(".conllu") or any(re.match("# (sent_id|text) =", line) for line in lines[:20])
    for line in lines + [""]:
        if not line.strip():
            if tokens:
                yield tokens
            tokens = []
        elif not ((universal and line.startswith("#")) or line.startswith("-DOCSTART-")):
            cells = line.split("\\t") if "\\t" in line else line.split()
            if not universal:
                tokens.append(cells[0])
            elif cells[0].isdigit():
                tokens.append(cells[1])


def predictions(model, file):
    """The likeliest tag of each token, and its probability."""
    yield ["sentence", "token", "tag", "probability"]
    for k, tokens in enumerate(sentences_of(file), start=1):
        if not tokens:
            raise SystemExit(f"sentence {k} must have tokens, got none")
        y = model(numbered(tokens, NOTE["seen"][: NOTE["known"]]))[0][:, 0].softmax(-1)
        for token, p in zip(tokens, y):
            yield [k, token, NOTE["labels"][p.argmax()], p.max().item()]
`;

const MUSIC = `
STEPS = 16  # that are written after each piece


def pieces_of(file):
    """Pieces as lists of steps, a step as the list of the notes that sound."""
    text = text_of(file)
    if re.match(r'\\s*(\\{\\s*"[^"]*"\\s*:\\s*)?\\[\\s*\\[\\s*\\[', text):
        whole = json_of(text, file)
        return [piece for part in (whole.values() if isinstance(whole, dict) else [whole]) for piece in part]
    return [cell(row, NOTE["notes"]) for row in rows_of(file)[0]]


def bits_of(steps, k):
    bits = torch.zeros(len(steps), 1, NOTE["pitches"], dtype=DTYPE)
    for t, notes in enumerate(steps):
        for note in notes:
            if not isinstance(note, int) or not 0 <= note - NOTE["lowest"] < NOTE["pitches"]:
                low, high = NOTE["lowest"], NOTE["lowest"] + NOTE["pitches"] - 1
                raise SystemExit(f"notes must be whole numbers in {low}...{high}, got {note} in piece {k}")
            bits[t, 0, note - NOTE["lowest"]] = 1
    return bits


def predictions(model, file):
    """A continuation of each piece. The notes are drawn by PyTorch, so they differ from those of backstep."""
    timed = "time" in inspect.signature(model.forward).parameters
    yield ["piece", "step", "notes"]
    for k, piece in enumerate(pieces_of(file), start=1):
        if not isinstance(piece, list) or not piece or not all(isinstance(step, list) for step in piece):
            raise SystemExit(f"piece {k} must be a list of steps, each a list of notes")
        draws = torch.Generator().manual_seed(k - 1)
        x, state, time = bits_of([[], *piece[-NOTE["longest"] :]], k), None, 0
        for step in range(STEPS):
            y, state = model(x, state, *([time] if timed else []))
            time += len(x)
            sounding = torch.rand(NOTE["pitches"], generator=draws) < y[-1, 0].sigmoid()
            notes = [NOTE["lowest"] + pitch for pitch in sounding.nonzero()[:, 0].tolist()]
            yield [k, len(piece) + step + 1, " ".join(map(str, notes))]
            x = bits_of([notes], k)
`;

/** Writes sequences with a decoder. */
const WRITE = `
WRITTEN = NOTE["written"]
END, START = len(WRITTEN["known"]) + 1, len(WRITTEN["known"]) + 2


def rows_in(state, rows):
    """The states of some rows."""
    return tuple(s[:, rows].contiguous() for s in state) if isinstance(state, tuple) else state[:, rows].contiguous()


def logs_of(model, before, state, e):
    """The log probabilities of the next classes [rows, O], and the states after them."""
    y, state = model.write(torch.tensor([before]), state, e.expand(-1, len(before), -1))
    logs = y[0].double().log_softmax(-1)
    logs[:, [0, START]] = -math.inf
    return logs, state


def joined(classes):
    symbols = [WRITTEN["known"][k - 1] for k in classes]
    return ("" if NOTE["characters"] else " ").join(symbols)
`;

const TRANSLATE = `${WRITE}

def best_of(model, x):
    """The likeliest sequence for a source by beam search, and its log probability."""
    width, live, done = WRITTEN["beam"], [([], 0.0)], []
    e, state = model.read(x)
    logs, state = logs_of(model, [START], state, e)
    for t in range(1, WRITTEN["most"] + 1):
        totals = (torch.tensor([p for _, p in live], dtype=torch.float64)[:, None] + logs).flatten()
        best = totals.argsort(descending=True)[:width].tolist()
        before, live, parents = live, [], []
        for parent, k, p in [(*divmod(at, logs.shape[1]), totals[at].item()) for at in best]:
            if p == -math.inf:
                continue
            classes = before[parent][0] + ([] if k == END else [k])
            if k == END or t == WRITTEN["most"]:
                done.append((classes, p))
            else:
                live.append((classes, p))
                parents.append(parent)
        done = sorted(done, key=lambda one: -one[1])[:width]
        if not live or (len(done) == width and done[-1][1] >= live[0][1]):
            break
        logs, state = logs_of(model, [classes[-1] for classes, _ in live], rows_in(state, parents), e)
    return done[0]


def predictions(model, file):
    """What the decoder writes for each row, and its probability."""
    yield ["row", NOTE["target"], "probability"]
    for k, row in enumerate(rows_of(file)[0], start=1):
        classes, p = best_of(model, numbered(sequence_of(row, k, NOTE["source"]), NOTE["known"]))
        yield [k, joined(classes), math.exp(p)]
`;

const GENERATE = `${WRITE}

def vectors_of(rows, separator):
    """Classes as one-hot and standardized numbers, side by side [N, D]."""
    parts = []
    for given in NOTE["inputs"]:
        name = given["column"]
        if given["kind"] == "numbers":
            values = numbers_of(rows, name, separator)
            if None in values:
                raise SystemExit(f"column {name}: every row must have a value")
            parts.append([[(value - given["mean"]) / given["deviation"]] for value in values])
            continue
        own = [symbol(cell(row, name)) for row in rows]
        wrong = next((text for text in own if text not in given["classes"]), None)
        if wrong is not None:
            raise SystemExit(f"column {name}: classes must be among those of the training, got {wrong}")
        parts.append([[float(text == one) for one in given["classes"]] for text in own])
    return torch.cat([torch.tensor(part, dtype=DTYPE) for part in parts], 1)


def predictions(model, file):
    """A sequence for each row, and its probability. It is drawn by PyTorch, so it differs from that of backstep."""
    yield ["row", NOTE["target"], "probability"]
    for k, x in enumerate(vectors_of(*rows_of(file)), start=1):
        draws = torch.Generator().manual_seed(k - 1)
        e, state = model.read(x[None, None])
        classes, total, last = [], 0.0, START
        while len(classes) < WRITTEN["most"]:
            logs, state = logs_of(model, [last], state, e)
            last = torch.multinomial(logs[0].exp(), 1, generator=draws).item()
            total += logs[0, last].item()
            if last == END:
                break
            classes.append(last)
        yield [k, joined(classes), math.exp(total)]
`;

const TABLE = `FILE is CSV, TSV or JSON, with the columns that the model was trained on; their names are in the first row, unless it
holds numbers only: then they are column1, column2 and so on.`;

/** What is said of the files of a task, and the code that predicts them. */
export const predictTasks: Readonly<Record<string, { files: string; code: string }>> = {
  forecast: {
    files: `${TABLE} Dates must be in digits, such as 2024-12-31 or
2024-12-31T12:30:00, in the order of the training file, or be numbers; a forecast is given by the number of steps after the last row.`,
    code: FORECAST,
  },
  classify: { files: TABLE, code: CLASSIFY },
  tag: {
    files: 'FILE has CoNLL columns, or is JSON with a list of tokens in each object.',
    code: TAG,
  },
  translate: { files: TABLE, code: TRANSLATE },
  generate: { files: TABLE, code: GENERATE },
  music: {
    files: 'FILE is a JSON piano roll: pieces, each a list of steps, each a list of MIDI numbers.',
    code: MUSIC,
  },
};
