package android.content

import android.net.Uri

abstract class Context {
    open fun startActivity(intent: Intent) {}
}

class ActivityNotFoundException : RuntimeException()

class Intent {
    constructor(packageContext: Context, cls: Class<*>)
    constructor(action: String, uri: Uri)

    val data: Uri? get() = TODO()
    fun addFlags(flags: Int): Intent = TODO()
    fun putExtra(name: String, value: String?): Intent = TODO()

    companion object {
        const val ACTION_VIEW = "android.intent.action.VIEW"
        const val FLAG_ACTIVITY_CLEAR_TOP = 0x04000000
        const val FLAG_ACTIVITY_SINGLE_TOP = 0x20000000
    }
}
