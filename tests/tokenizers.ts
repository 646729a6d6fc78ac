/** A small tokenizer of byte pairs, in the forms of its files. */

/** The characters that stand for the bytes in such files, written out independently of the reader. */
export const letters: string[] = [];
for (let byte = 0, next = 256; byte < 256; byte++) {
  const shown = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  letters.push(String.fromCodePoint(shown ? byte : next++));
}

export const merges = [
  ...['Ġ t', 'h e', 'Ġt he', 'i n', 'Ġ c', 'Ġc a', 'Ġca t', 'l l', 'Ċ Ċ', 'Ġ Ġ', 'ĠĠ Ġ'],
  ...["' ll", 'ð Ł', 'ðŁ ĺ', 'ðŁĺ Ģ', 'Ã ©', '1 2', '12 3'],
];
const joined = merges.map((pair) => pair.replace(' ', ''));
/** The special symbol has the last class. */
export const vocab = Object.fromEntries(
  [...letters, ...joined, '<|endoftext|>'].map((symbol, k) => [symbol, k]),
);

/** A `tokenizer.json`; `changes` replace entries of the model, or of the whole. */
export const tokenizer = (
  model: Record<string, unknown> = {},
  whole: Record<string, unknown> = {},
): string => {
  const { '<|endoftext|>': id, ...own } = vocab;
  return JSON.stringify(
    {
      version: '1.0',
      added_tokens: [{ id, content: '<|endoftext|>', special: true, lstrip: false }],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      decoder: { type: 'ByteLevel' },
      model: { type: 'BPE', vocab: own, merges: merges.map((pair) => pair.split(' ')), ...model },
      ...whole,
    },
    null,
    2,
  );
};
