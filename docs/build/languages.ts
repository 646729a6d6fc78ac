/** The languages of the book, and what the build itself writes in each. */

/** English, and those of its translations, which are in folders of these names. */
export type Language = 'en' | 'zh';
export const translations = ['zh'] as const;

const chinese = {
  from: '摘自',
  Playground: '演练场',
  'Interactive; open the playground (`backstep play`) with':
    '此处为互动图；请打开演练场（`backstep play`），地址后加',
  cell: '循环单元',
  'forms on the command line': '命令行中的形式',
  checked: '受检验的形式',
  loss: '损失',
  name: '名字',
  targets: '目标',
  optimizer: '优化器',
  options: '选项',
  schedule: '学习率调度',
  format: '格式',
  export: '导出',
  import: '导入',
  'what it holds': '内容',
} as const;

/** A text of the build in a language; one that has no translation does not compile. */
export const say = (text: keyof typeof chinese, language: Language): string =>
  language === 'zh' ? chinese[text] : text;
