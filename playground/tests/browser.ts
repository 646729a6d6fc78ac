/** Chromium and the built page, for tests, pictures and measurements. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { host } from '../../terminal/host';

/** Debian's Chromium; the environment variable CHROMIUM names another one. */
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasChromium = existsSync(chromiumPath);
/** Debian's Firefox; the environment variable FIREFOX names another one. */
export const firefoxPath = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
export const hasFirefox = existsSync(firefoxPath);
/** The built book; `npm run docs` builds it. */
export const bookFolder = join(__dirname, '..', '..', 'docs', 'site');
export const hasBook = existsSync(join(bookFolder, 'index.html'));
export const pageFolder = join(__dirname, '..', '..', 'dist', 'playground');

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Visit {
  page: Page;
  /** Errors on the console, uncaught errors, and requests to other hosts. */
  complaints: string[];
  /** Addresses of what it has loaded. */
  requests: string[];
}

/** The served page in a browser without network access. */
export class Visitor {
  private constructor(
    private readonly browser: Browser,
    private readonly server: { url: string; close: () => Promise<void> },
  ) {}

  /** @param folder that is served: the built page, or another site. */
  static async arrive(folder = pageFolder): Promise<Visitor> {
    if (!existsSync(join(folder, 'index.html')))
      throw new Error('playground: the page must have been built, got none (npm run build:play)');
    const server = await host(folder, 0);
    return new Visitor(await chromium.launch({ executablePath: chromiumPath, args: flags }), server);
  }

  get url(): string {
    return this.server.url;
  }

  /**
   * Opens the page at a link, `task=sine`, in a new window, or a page of a site, `/book/elman`; `before` is a script that
   * runs before the page's own.
   */
  async visit(link = '', options: BrowserContextOptions = {}, before = ''): Promise<Visit> {
    const { url } = this;
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      requests.push(request.url());
      if (!request.url().startsWith(url) && !/^(blob|data):/.test(request.url()))
        complaints.push(`a request to ${request.url()}`);
    });
    if (before) await page.addInitScript(before);
    await page.goto(link.startsWith('/') ? new URL(link, url).href : `${url}#${link}`);
    return { page, complaints, requests };
  }

  /** From now on nothing answers. */
  close(): Promise<void> {
    return this.server.close();
  }

  async leave(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }
}
