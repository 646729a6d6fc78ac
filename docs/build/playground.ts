/** Embeds the playground in the book's pages. */
import { join } from 'node:path';
import { mustBe } from '../../core/check';
import { embeddedLink, fromLink, linkIn } from '../../playground/engine/settings';
import { buildPlayground } from '../../scripts/playground';
import { captioned } from './figure';
import { say, type Language } from './languages';

/** The playground's folder in the site. */
const FOLDER = 'play';

/** `task=sine&tab=time height=500`: the page in the state of that link and the language of the book, without its settings; the height is in pixels. */
export function embeddedPage(
  [link, size = 'height=600']: string[],
  caption: string,
  where: string,
  language: Language,
): string {
  const { wrong, tab } = fromLink(link);
  mustBe(wrong.length === 0, where, 'the settings must be those of a link', wrong.join('; '));
  const [, height] = /^height=(\d+)$/.exec(size) ?? [];
  mustBe(height !== undefined, where, 'the height must be a number of pixels', size);
  const address = `/${FOLDER}/index.html#${embeddedLink(linkIn(language, link)).replaceAll('&', '&amp;')}`;
  const still = `${say('Interactive; open the playground (`backstep play`) with', language)} \`#${link}\``;
  return captioned(
    `<iframe class="playground" src="${address}" title="${say('Playground', language)}: ${tab}" loading="lazy" style="height: ${height}px"></iframe>\n\n<div class="on-paper">\n\n${still}\n\n</div>`,
    caption,
  );
}

/** Builds the page into the public folder of the book. */
export const buildEmbedded = (publicFolder: string): Promise<void> =>
  buildPlayground(join(publicFolder, FOLDER));
