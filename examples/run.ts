/**
 * `npm run example`: lists the examples; `npm run example NAME -- --steps 100 --seed 2` runs one of them.
 */
import { bptt } from './bptt';
import { captions } from './captions';
import { dna } from './dna';
import type { Options } from './example';
import { hopfieldLetters } from './hopfield';
import { music } from './music';
import { names } from './names';
import { pronounce } from './pronounce';
import { sentences } from './sentences';
import { stocks } from './stocks';
import { text } from './text';
import { video } from './video';
import { weather } from './weather';

const examples = {
  bptt,
  text,
  names,
  sentences,
  pronounce,
  weather,
  stocks,
  dna,
  music,
  captions,
  video,
  hopfield: hopfieldLetters,
};

/** Parses options such as `--steps 100`. An option has the type of its default, number or string. */
function read(words: readonly string[], defaults: Options): Options {
  const options = { ...defaults };
  for (let k = 0; k < words.length; k += 2) {
    const name = words[k].replace(/^--/, '');
    const known = Object.keys(defaults);
    if (!known.includes(name))
      throw new Error(`options must be among --${known.join(', --')}, got ${words[k]}`);
    const value = typeof defaults[name] === 'number' ? Number(words[k + 1] ?? NaN) : words[k + 1];
    if (value === undefined || Number.isNaN(value))
      throw new Error(`--${name} must be given like ${defaults[name]}, got ${words[k + 1] ?? 'nothing'}`);
    options[name] = value;
  }
  return options;
}

async function main([name, ...words]: string[]): Promise<void> {
  if (name === undefined) {
    for (const [each, { title }] of Object.entries(examples)) console.log(`${each.padEnd(10)} ${title}`);
    return;
  }
  if (!Object.hasOwn(examples, name))
    throw new Error(`the example must be one of ${Object.keys(examples).join(', ')}, got ${name}`);
  const one = examples[name as keyof typeof examples];
  await one.run(read(words, one.defaults) as never, (line) => console.log(line));
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`example: ${error.message}`);
  process.exitCode = 2;
});
