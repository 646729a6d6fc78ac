/** The Python script of an exported folder that predicts a raw file, prepared as in training. */
import { lossOf } from '../../losses';
import { predictTasks, READ_TABLES } from './predicttasks';

/** What an exported task stores of how its files are read. */
export interface Preparation {
  task: string;
  preparation: unknown;
  /** How the training file was read: its separator, and how the cells of each column are written. */
  format: unknown;
}

/** `predict.py` by its name, for a task whose files it can read. */
export function predictScript({ task, preparation }: Preparation): Record<string, string> {
  if (!Object.hasOwn(predictTasks, task)) return {};
  const { loss = '' } = preparation as { loss?: string };
  const levels = task === 'forecast' ? (lossOf(loss).repeated.level ?? [0.5]) : [];
  const { files, code } = predictTasks[task];
  return {
    'predict.py': `${head(files)}${READ_TABLES}${code.replace('@LEVELS', JSON.stringify(levels))}${MAIN}`,
  };
}

const head = (files: string): string => `"""
Predicts a file with the model of model.py, prepared as in training by preparation.json. It needs PyTorch and nothing else.

    python3 predict.py FILE > predictions.csv

${files}
"""

import csv
import inspect
import io
import json
import math
import re
import sys
import unicodedata
from datetime import datetime, timezone
from pathlib import Path

import torch

from model import HERE, Model, load

PREPARED = json.loads((HERE / "preparation.json").read_text("utf-8"))
NOTE, FORMAT = PREPARED["preparation"], PREPARED["format"]
WEIGHTS = load("weights.safetensors")
DTYPE = next(iter(WEIGHTS.values())).dtype


def text_of(file):
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark."""
    try:
        raw = Path(file).read_bytes()
    except OSError as error:
        raise SystemExit(f"{file} must be a readable file, got {error.strerror.lower()}") from None
    encoding = "utf-16" if raw[:2] in (b"\\xff\\xfe", b"\\xfe\\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise SystemExit(f"{file} must be UTF-8 text, got bytes that are not, after byte {error.start}") from None
    if "\\0" in text:
        raise SystemExit(f"{file} must be text, got a zero byte: a binary file")
    if not text.strip():
        raise SystemExit(f"{file} must hold rows, got an empty file")
    return text


def json_of(text, where):
    try:
        return json.loads(text)
    except ValueError:
        raise SystemExit(f"{where} must be JSON, got {text.strip()[:60]}") from None


def symbol(item):
    """An item of a list as text."""
    return item if isinstance(item, str) else json.dumps(item)

`;

const MAIN = `

def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    model = Model().to(DTYPE).eval()
    model.load_state_dict({k: v for k, v in WEIGHTS.items() if not k.startswith(("optim.", "state."))})
    with torch.no_grad():
        csv.writer(sys.stdout, lineterminator="\\n").writerows(predictions(model, sys.argv[1]))


if __name__ == "__main__":
    main()
`;
