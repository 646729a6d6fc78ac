import { defineComponent, h, type App } from 'vue';
import { useData, withBase } from 'vitepress';
import Theme from 'vitepress/theme-without-fonts';
import Exercise from './Exercise.vue';
import { titles } from '../titles.mjs';
import './offline';
import './style.css';
import './print.css';

/** Leads to the same page in the other language, if there is one. */
const LanguageSwitch = defineComponent(() => {
  const { page } = useData();
  return () => {
    const [, zh, rest] = /^(zh\/)?(.*)$/.exec(page.value.relativePath)!;
    const address = `/${rest.replace(/(^|\/)index\.md$|\.md$/, '$1')}`;
    if (!(address in titles.zh)) return undefined;
    const [text, lang, href] = zh ? ['English', 'en', address] : ['中文', 'zh-CN', `/zh${address}`];
    return h('a', { class: 'language', lang, hreflang: lang, href: withBase(href) }, text);
  };
});

export default {
  extends: Theme,
  enhanceApp: ({ app }: { app: App }) => void app.component('Exercise', Exercise),
  Layout: () =>
    h(Theme.Layout, null, {
      'nav-bar-content-after': () => h(LanguageSwitch),
      'nav-screen-content-after': () => h(LanguageSwitch),
    }),
};
