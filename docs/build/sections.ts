/**
 * What each section of a chapter has beside its text: a picture, a figure of the playground, which links to the whole
 * page in that state, and an exercise. Where one makes no sense, a comment in the section says why:
 *
 *   <!-- without picture, exercise: a list of words -->
 */
import { mustBe } from '../../core/check';
import { blocksOf } from './translation';

/** The parts by name: what they are called in a message, and the fences that are one. */
const parts = {
  picture: { title: 'a picture', fence: /^```(diagram|network|figure) / },
  playground: { title: 'an interactive playground', fence: /^```playground / },
  exercise: { title: 'an exercise', fence: /^```exercise / },
} as const;
type Part = keyof typeof parts;
const partNames = Object.keys(parts) as Part[];

interface Section {
  title: string;
  line: number;
  has: Set<Part>;
  without: Map<Part, string>;
  /** Whether it has text of its own; a section that is nothing but a figure needs no other part. */
  hasText: boolean;
}

/** Whether a page is a chapter: one of the book. */
export const isChapter = (file: string): boolean => file.startsWith('book/');

/** What the sections of a chapter lack, as messages; none if each has all of its parts. */
export function gapsOf(markdown: string, file: string): string[] {
  return sectionsOf(markdown, file).flatMap(({ title, line, has, without, hasText }) =>
    partNames.flatMap((part) => {
      const what = `docs/${file}:${line}: the section ${JSON.stringify(title)}`;
      const { title: one } = parts[part];
      if (has.has(part) && without.has(part))
        return [`${what} must not be without ${one}: it has one, so remove the comment`];
      if (has.has(part) || without.has(part) || !hasText) return [];
      return [`${what} must have ${one}, or say why not: <!-- without ${part}: … -->`];
    }),
  );
}

/** The introduction, which ends at the first heading of level 2, and the sections. */
function sectionsOf(markdown: string, file: string): Section[] {
  const sections: Section[] = [];
  for (const { markdown: block, prose, line } of blocksOf(markdown)) {
    const [, title] = /^##? (.*)$/m.exec(block.startsWith('#') ? block : '') ?? [];
    if (title !== undefined) {
      sections.push({ title, line, has: new Set(), without: new Map(), hasText: false });
      continue;
    }
    const section = sections[sections.length - 1];
    const part = partNames.find((name) => parts[name].fence.test(block));
    if (part) section.has.add(part);
    else if (prose !== '') section.hasText = true;
    exempt(section, block, `docs/${file}:${line}`);
  }
  return sections;
}

function exempt({ without }: Section, block: string, where: string): void {
  const [, names, why] = /^<!-- without ([^:]*):\s*(.*?)\s*-->$/.exec(block) ?? [];
  if (names === undefined) return;
  mustBe(why !== '', where, 'a section without a part must say why', block);
  for (const name of names.split(', ')) {
    const part = partNames.find((one) => one === name);
    mustBe(part !== undefined, where, `a section can be without ${partNames.join(', ')}`, name);
    without.set(part, why);
  }
}
