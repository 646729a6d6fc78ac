/** Exercises of the book: a question whose answer is a number, which the page checks and then explains. */
import { compileFunction } from 'node:vm';
import { mustBe } from '../../core/check';

/** `0.9 ** 20 within=0.005`: how the answer is calculated, and how near it a reader's must be; the body is the question, `---`, and the reason. */
export function exerciseOf(words: string[], body: string, where: string): string {
  const [, tolerance] = /^within=(.+)$/.exec(words[words.length - 1]) ?? [];
  const expression = (tolerance === undefined ? words : words.slice(0, -1)).join(' ');
  const value = Number((compileFunction(`return (${expression});`) as () => unknown)());
  // 0.3 − 0.1 is 0.2
  const answer = Number(value.toPrecision(12));
  const within = Number(tolerance ?? 0);
  mustBe(Number.isFinite(answer), where, 'the answer of an exercise must be a number', expression);
  mustBe(within >= 0, where, 'within must be at least 0', within);
  const [question, reason, ...more] = body.split(/^---$/m).map((part) => part.trim());
  mustBe(
    reason !== undefined && more.length === 0,
    where,
    'an exercise must be a question, --- and a reason',
    body,
  );
  return `<Exercise :answer="${answer}" :within="${within}">\n\n${question}\n\n<template #reason>\n\n${reason}\n\n</template>\n\n</Exercise>\n`;
}
