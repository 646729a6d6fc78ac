/** The collection of real mistakes, `examples/mistakes`. */
const files = import.meta.glob<string>('../../examples/mistakes/*.txt', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** The texts, and their first lines: the mistake in one sentence. */
export const collection = Object.entries(files).map(([path, text]) => ({
  name: path.replace(/^.*\/|\.txt$/g, ''),
  title: text.slice(0, text.indexOf('\n')).replace(/^#\s*/, ''),
  text,
}));
