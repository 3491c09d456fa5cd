package android.webkit

import android.content.Context
import android.net.Uri

interface WebResourceRequest {
    val url: Uri
    val isForMainFrame: Boolean
}

abstract class WebSettings {
    abstract var javaScriptEnabled: Boolean
    abstract var domStorageEnabled: Boolean
    abstract var allowFileAccess: Boolean
    abstract var cacheMode: Int
    abstract fun setSupportMultipleWindows(support: Boolean)

    companion object {
        const val LOAD_NO_CACHE = 2
    }
}

open class WebViewClient {
    open fun shouldOverrideUrlLoading(view: WebView, request: WebResourceRequest): Boolean = TODO()
}

open class WebView {
    val context: Context get() = TODO()
    val settings: WebSettings get() = TODO()
    var webViewClient: WebViewClient
        get() = TODO()
        set(value) = TODO()

    fun loadUrl(url: String) {}
    fun evaluateJavascript(script: String, resultCallback: ((String) -> Unit)?) {}
}
