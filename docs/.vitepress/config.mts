import { defineConfig, type DefaultTheme } from 'vitepress';
import { apiSidebar } from './sidebar.mjs';
import { titles } from './titles.mjs';

const groups = [
  {
    text: 'Start',
    items: [
      { text: 'What this is', link: '/' },
      { text: 'First steps', link: '/guide/start' },
    ],
  },
  {
    text: 'The book',
    items: [
      { text: '1 Sequences', link: '/book/sequences' },
      { text: '2 The vanilla network', link: '/book/elman' },
      { text: '3 Back through time', link: '/book/bptt' },
      { text: '4 Vanishing and exploding', link: '/book/vanishing' },
      { text: '5 Output-recurrent networks', link: '/book/jordan' },
      { text: '6 Both directions, and depth', link: '/book/bidirectional' },
      { text: '7 Long short-term memory', link: '/book/lstm' },
      { text: '8 Gated recurrent units', link: '/book/gru' },
      { text: '9 Clockwork networks', link: '/book/clockwork' },
      { text: '10 From sequence to sequence', link: '/book/sequence-to-sequence' },
      { text: '11 The Hopfield network', link: '/book/hopfield' },
      { text: '12 Losses and optimizers', link: '/book/training' },
      { text: '13 How far rounding may go', link: '/book/rounding' },
      { text: '14 Linear recurrences', link: '/book/linear' },
      { text: '15 Long memory', link: '/book/memory' },
      { text: 'Terms in English and Chinese', link: '/book/terms' },
    ],
  },
  {
    text: 'Derive it yourself',
    items: [
      { text: 'How to use these pages', link: '/derive/' },
      { text: 'Softmax and cross-entropy', link: '/derive/softmax' },
      { text: 'Elman', link: '/derive/elman' },
      { text: 'Jordan', link: '/derive/jordan' },
      { text: 'LSTM', link: '/derive/lstm' },
      { text: 'LSTM with peepholes', link: '/derive/peepholes' },
      { text: 'GRU', link: '/derive/gru' },
      { text: 'Clockwork', link: '/derive/clockwork' },
      { text: 'Embedding', link: '/derive/embedding' },
      { text: 'Attention', link: '/derive/attention' },
    ],
  },
  {
    text: 'Guides',
    items: [
      { text: 'Checking gradients', link: '/guide/checking' },
      { text: "The referee: other people's code", link: '/guide/referee' },
      { text: 'Grading a class', link: '/guide/grading' },
      { text: 'Conformance suites', link: '/guide/conformance' },
      { text: 'Your own data', link: '/guide/own-data' },
      { text: 'Networks in a program', link: '/guide/program' },
      { text: 'Write your own cell', link: '/guide/own-cell' },
      { text: 'In and out: other frameworks', link: '/guide/formats' },
      { text: 'Many trainings: sweeps', link: '/guide/sweeps' },
      { text: 'Performance', link: '/guide/performance' },
    ],
  },
];

const nav = [
  { text: 'The book', link: '/book/sequences' },
  { text: 'Derive it yourself', link: '/derive/' },
  { text: 'Guides', link: '/guide/checking' },
  { text: 'Reference', link: '/api/' },
];

const chineseWords: Record<string, string> = {
  Start: '开始',
  'The book': '本书',
  'Derive it yourself': '自己推导',
  Guides: '指南',
  Reference: '参考手册',
};

/** A link of the Chinese navigation; where there is no translation, it leads to the English page and says so. */
const chinese = ({ text, link }: { text: string; link: string }): DefaultTheme.NavItemWithLink => {
  const [number] = /^(\d+ )?/.exec(text)!;
  const title = titles.zh[link];
  const own = chineseWords[text] ?? (title ? number + title : text);
  return title ? { text: own, link: `/zh${link}` } : { text: `${own}（英文）`, link };
};

/** The words of a text for the search; Chinese has no spaces between them. */
const tokenize = (text: string): string[] =>
  [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(text)]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => segment);

export default defineConfig({
  title: 'Backstep',
  description: 'Recurrent networks whose every gradient is derived by hand and proved',
  outDir: '../site',
  cleanUrls: true,
  // a reader without the network sees the same page: no font and no script from elsewhere
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  markdown: { theme: { light: 'github-light', dark: 'github-dark' } },
  locales: {
    root: { lang: 'en' },
    zh: {
      lang: 'zh-CN',
      description: '循环神经网络：每一个梯度都由手工推导，并且得到证明',
      themeConfig: {
        nav: nav.map(chinese),
        sidebar: groups.map(({ text, items }) => ({ text: chineseWords[text], items: items.map(chinese) })),
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '主题',
        lightModeSwitchTitle: '切换到浅色主题',
        darkModeSwitchTitle: '切换到深色主题',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        skipToContentLabel: '跳到正文',
      },
    },
  },
  themeConfig: {
    nav,
    sidebar: { '/api/': apiSidebar, '/': groups },
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        miniSearch: { options: { tokenize } },
        locales: {
          zh: {
            translations: {
              button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
              modal: {
                displayDetails: '显示详细列表',
                resetButtonTitle: '清除',
                backButtonTitle: '关闭搜索',
                noResultsText: '没有找到',
                footer: {
                  ...{ selectText: '选择', selectKeyAriaLabel: '回车' },
                  ...{
                    navigateText: '移动',
                    navigateUpKeyAriaLabel: '向上',
                    navigateDownKeyAriaLabel: '向下',
                  },
                  ...{ closeText: '关闭', closeKeyAriaLabel: 'Esc' },
                },
              },
            },
          },
        },
      },
    },
  },
});
