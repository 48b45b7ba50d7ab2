import js from '@eslint/js';
import globals from 'globals';

export default [
    { ignores: ['.venv/', 'node_modules/', 'out/', 'docs/'] },
    js.configs.recommended,
    {
        languageOptions: { ecmaVersion: 'latest', sourceType: 'module' },
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        rules: {
            'no-var': 'error',
            'prefer-const': 'error',
            eqeqeq: 'error',
            'no-console': 'error',
            curly: 'error',
            'no-shadow': 'error',
            'no-implicit-coercion': ['error', { boolean: false }],
            'object-shorthand': 'error',
            'prefer-arrow-callback': 'error',
            'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
        },
    },
    {
        files: ['src/webvdi/browser/**/*.js', 'benchmarks/**/*.js'],
        languageOptions: { globals: globals.browser },
    },
    {
        files: ['src/webvdi/browser/viewer/**/*.js'],
        rules: {
            'no-restricted-imports': ['error', { patterns: ['**/portal/**'] }],
        },
    },
    {
        files: ['tests/**/*.js', '*.config.js'],
        languageOptions: { globals: globals.node },
    },
];
