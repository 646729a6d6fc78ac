import { defineConfig } from 'vitepress';
import { apiSidebar } from './sidebar.mjs';

export default defineConfig({
  title: 'Backstep',
  description: 'Recurrent networks whose every gradient is derived by hand and proved',
  outDir: '../site',
  cleanUrls: true,
  // a reader without the network sees the same page: no font and no script from elsewhere
  head: [],
  markdown: { theme: { light: 'github-light', dark: 'github-dark' } },
  themeConfig: {
    nav: [
      { text: 'The book', link: '/book/sequences' },
      { text: 'Derive it yourself', link: '/derive/' },
      { text: 'Guides', link: '/guide/checking' },
      { text: 'Reference', link: '/api/' },
    ],
    sidebar: {
      '/api/': apiSidebar,
      '/': [
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
            { text: 'Your own data', link: '/guide/own-data' },
            { text: 'Write your own cell', link: '/guide/own-cell' },
            { text: 'In and out: other frameworks', link: '/guide/formats' },
            { text: 'Many trainings: sweeps', link: '/guide/sweeps' },
            { text: 'Performance', link: '/guide/performance' },
          ],
        },
      ],
    },
    outline: [2, 3],
    search: { provider: 'local' },
  },
});
