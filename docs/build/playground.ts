/** Embeds the playground in the book's pages. */
import { join } from 'node:path';
import { mustBe, mustBeOneOf } from '../../core/check';
import { cards, embeddedLink, fromLink, linkIn, type TabName } from '../../playground/engine/settings';
import { buildPlayground } from '../../scripts/playground';
import { captioned } from './figure';
import { say, type Language } from './languages';

/** The playground's folder in the site. */
const FOLDER = 'play';

/**
 * `task=sine&tab=time height=500`: the page in the state of that link and the language of the book, without its settings; the
 * height is in pixels. `card=network` shows one card of the tab alone; its frame is as high as the card needs, and at least that height.
 */
export function embeddedPage(
  [link, ...words]: string[],
  caption: string,
  where: string,
  language: Language,
): string {
  const tab = tabOf(link, where);
  const options = new Map(words.map((word) => word.split('=') as [string, string]));
  const height = Number(options.get('height') ?? 600);
  mustBe(Number.isInteger(height), where, 'the height must be a number of pixels', options.get('height'));
  const card = options.get('card');
  const shown = card === undefined ? undefined : mustBeOneOf(card, [...cards[tab]], where, 'the card');
  const address = addressOf(embeddedLink(linkIn(language, link), shown));
  const still = `${say('Interactive; open the playground (`backstep play`) with', language)} \`#${link}\``;
  return captioned(
    `<iframe class="playground" src="${address}" title="${say('Playground', language)}: ${tab}" loading="lazy" style="height: ${height}px"></iframe>\n\n<div class="on-paper">\n\n${still}\n\n</div>`,
    caption,
  );
}

/** `task=sine&lr=3`: a link that opens the page in that state; the body says what to try. */
export function tryIt([link]: string[], body: string, where: string, language: Language): string {
  tabOf(link, where);
  const address = addressOf(linkIn(language, link));
  const open = `<a target="_blank" href="${address}">${say('Open it in the playground', language)}</a>`;
  return `<div class="try">\n\n${body} ${open}\n\n</div>\n`;
}

/** @returns the tab of a link whose settings are all valid. */
function tabOf(link: string, where: string): TabName {
  const { wrong, tab } = fromLink(link);
  mustBe(wrong.length === 0, where, 'the settings must be those of a link', wrong.join('; '));
  return tab;
}

const addressOf = (link: string): string => `/${FOLDER}/index.html#${link.replaceAll('&', '&amp;')}`;

/** Builds the page into the public folder of the book. */
export const buildEmbedded = (publicFolder: string): Promise<void> =>
  buildPlayground(join(publicFolder, FOLDER));
