/** The collection of real mistakes, `examples/mistakes`. */
const files = import.meta.glob<string>('../../examples/mistakes/*.txt', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export interface Mistake {
  name: string;
  /** The first line of its text: the mistake in one sentence. */
  title: string;
  text: string;
}

export const collection = Object.entries(files).map(([path, text]): Mistake => ({
  name: path.replace(/^.*\/|\.txt$/g, ''),
  title: text.slice(0, text.indexOf('\n')).replace(/^#\s*/, ''),
  text,
}));
